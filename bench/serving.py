"""What serving costs, and what it wins: our own server against itself in other ways.

The model of the first two has the shape of the preset `small` and random weights, which cost as
much as learnt ones. Servers are real: a process of its own on a socket. That four of them can be
compared on two cores, those of the third hold the model `tiny`, and the slow one waits.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from starlette.types import ASGIApp

from lauter.datasets.corpus import Corpus
from lauter.datasets.prompts.phrases import phrase_texts
from lauter.datasets.prompts.quotas import Draw, Quota
from lauter.datasets.text_tokens import ByteTokenizer
from lauter.filters.asr import AsrScorer, WhisperRecogniser
from lauter.filters.duration import DurationScorer
from lauter.filters.error_rate import ErrorRateScorer
from lauter.filters.policy import parse_policy
from lauter.filters.vad import VadScorer
from lauter.pipelines.codec_decoder import CodecDecoder
from lauter.pipelines.cost import Prices
from lauter.pipelines.decode import Decode
from lauter.pipelines.engines.inline import InlineEngine
from lauter.pipelines.ledger import read_ledger
from lauter.pipelines.local_completer import LocalCompleter
from lauter.pipelines.plan import Plan, plan
from lauter.pipelines.speak import Speak
from lauter.pipelines.stage import Resources
from lauter.pipelines.synthesize import Job, synthesize
from lauter.student.checkpoint import save_model
from lauter.student.codec.codec import open_codec
from lauter.student.model import build
from lauter.student.presets import preset
from lauter.teacher.step_audio.completion import Completer, CompletionRequest
from lauter.teacher.step_audio.opening import open_pool
from lauter.teacher.step_audio.teacher import StepAudio

CLIENTS = 16
IDS = 128
RUNS = 3
STUDENT = Path(__file__).resolve().parent.parent / "student/shipped/phrases"
SAMPLING = {"temperature": 1.0, "top_p": 1.0, "constrained": False}
PATIENT = {"retries": {"attempts": 4}, "hedging": False}


def continuous_over_sequential(ids: int = IDS) -> dict[str, Any]:
    """Return ids a second of 16 clients at once over those of one after the other."""
    with served("small") as url, closing(open_pool([url], sampling=SAMPLING, **PATIENT)) as pool:
        pool.complete(requests(2, ids // 4))
        alone, together = [], []
        for run in range(RUNS):
            alone.append(
                timed(lambda r=run: [pool.complete([one]) for one in requests(4, ids, r)]) / 4
            )
            together.append(timed(lambda r=run: pool.complete(requests(CLIENTS, ids, r))))
    sequential = ids / statistics.median(alone)
    continuous = CLIENTS * ids / statistics.median(together)
    return {
        "name": "continuous_over_sequential",
        "value": round(continuous, 1),
        "unit": "ids/s",
        "against": f"one by one over HTTP, preset small: {sequential:.1f} ids/s",
        "ratio": round(continuous / sequential, 2),
    }


def http_over_inprocess(ids: int = IDS) -> dict[str, Any]:
    """Return the time of 16 requests over HTTP, streamed, over that of the same in one process."""
    with tempfile.TemporaryDirectory() as folder:
        written = random_student(Path(folder), "small")
        local = LocalCompleter(str(written), rows=CLIENTS, sampling=SAMPLING)
        local.complete(requests(2, ids // 4))
        here = [
            timed(lambda r=run: local.complete(requests(CLIENTS, ids, r))) for run in range(RUNS)
        ]
    with served("small") as url, closing(open_pool([url], sampling=SAMPLING, **PATIENT)) as pool:
        pool.complete(requests(2, ids // 4))
        there = [
            timed(lambda r=run: pool.complete(requests(CLIENTS, ids, r))) for run in range(RUNS)
        ]
    ours, bare = statistics.median(there), statistics.median(here)
    return {
        "name": "http_over_inprocess",
        "value": round(ours, 2),
        "unit": "s",
        "against": f"{CLIENTS} requests of {ids} ids in one process: {bare:.2f} s",
        "ratio": round(ours / bare, 3),
    }


def slow_server_p95(count: int = 240) -> dict[str, Any]:
    """Return the 95th percentile of latency with one slow of four servers over four fair ones."""
    from faulty import Faulty, slow_down
    from live_server import LiveServer

    fair, slow = [], []
    with ExitStack() as stack:
        app = stack.enter_context(tiny_app())
        for found, faults in ((fair, [None] * 4), (slow, [10, None, None, None])):
            with ExitStack() as servers:
                urls = []
                for times in faults:
                    paced: ASGIApp = Faulty(app, slow_down(PACE_S * (times or 1)))
                    urls.append(servers.enter_context(LiveServer(paced)).url)
                pool = servers.enter_context(
                    closing(open_pool(urls, sampling=SAMPLING, retries={"attempts": 4}))
                )
                with ThreadPoolExecutor(8) as clients:
                    found += clients.map(partial(latency, pool), range(count))
    ours, bare = (float(np.quantile(found, 0.95)) for found in (slow, fair))
    return {
        "name": "slow_server_p95",
        "value": round(ours, 3),
        "unit": "s",
        "against": f"four fair servers, {count} requests at 8 clients: {bare:.3f} s",
        "ratio": round(ours / bare, 2),
    }


PACE_S = 0.05
"""What each server waits before a piece of its stream: the model itself is quicker."""


def latency(pool: Completer, number: int) -> float:
    """Return how long one request took."""
    (request,) = requests(1, 10, number)
    return timed(lambda: pool.complete([request]))


def best_of_n_cost(count: int = 160) -> dict[str, Any]:
    """Return the price of an accepted utterance by asking rejected prompts again over by new ones.

    The student that comes with Lauter, its speech accepted at a CER of 5 % or less.
    """
    policy = parse_policy(
        "name: strict\ngates:\n  - gate: characters\n    score: cer\n    at_most: 0.05\n"
        "    reason: What is said is not the text.\n    examples: {pass: [0.0], fail: [0.2]}\n"
    )
    open_teacher = partial(
        StepAudio,
        partial(LocalCompleter, str(STUDENT), rows=CLIENTS, dtype="float32",
                sampling={"temperature": 0.3, "top_p": 0.9}),
        student=str(STUDENT),
    )  # fmt: skip
    teacher = open_teacher()
    recogniser = WhisperRecogniser(doubt=-0.5)
    job = Job(
        Speak(open_teacher, Resources(batch_size=32), codes=True),
        (VadScorer, DurationScorer, partial(AsrScorer, recogniser), ErrorRateScorer),
        policy,
        InlineEngine(),
        Resources(batch_size=8),
        Decode(partial(CodecDecoder, students=(str(STUDENT),)), Resources(batch_size=16)),
    )
    texts = phrase_texts(count=count, seed=77)
    draw = Draw([Quota(None)], ["en-US"], 1, texts, teacher.capabilities().voices, 0)
    with tempfile.TemporaryDirectory() as folder:
        corpus = Corpus.create(Path(folder) / "corpus")
        first = plan(draw.prompts(draw.counts), teacher).requests
        synthesize(job, Plan(first, first.slice(0, 0)), teacher, corpus)
        corpus.refresh()
        for seed in (1, 2):
            (ledger,) = read_ledger(corpus, draw.counts, policy.digest, Prices()).values()
            waiting = pa.array(list(ledger.open_prompts), pa.string())
            rejected = first.filter(pc.is_in(first["prompt_id"], value_set=waiting))
            prompts = rejected.select(draw.prompts({}).schema.names)
            again = plan(prompts, teacher, seed=seed).requests
            synthesize(job, Plan(again, again.slice(0, 0)), teacher, corpus)
            corpus.refresh()
        (ledger,) = read_ledger(corpus, draw.counts, policy.digest, Prices()).values()
    once = ledger.prices[: ledger.first_asked]
    more = ledger.prices[ledger.first_asked :]
    fresh = sum(once) / ledger.first_accepted
    again_price = sum(more) / max(1, ledger.again_accepted)
    return {
        "name": "best_of_n_cost",
        "value": round(again_price * 1e6, 1),
        "unit": "USD a million accepted, asked again (n = 3)",
        "against": f"new prompts: {fresh * 1e6:.1f}; accepted {ledger.first_accepted} of "
        f"{ledger.first_asked} new and {ledger.again_accepted} of {ledger.again_asked} asked again",
        "ratio": round(again_price / fresh, 2),
    }


def requests(count: int, ids: int, seed: int = 0) -> list[CompletionRequest]:
    """Return requests whose answers have ``ids`` ids each: no id stops them."""
    draws = np.random.default_rng(seed)
    return [
        CompletionRequest(f"bench-{seed}-{number}", draws.integers(16, 272, 40), number, ids, ())
        for number in range(count)
    ]


def timed(work: Any) -> float:
    """Return how many seconds some work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def random_student(folder: Path, name: str) -> Path:
    """Write a student of random weights, which has learnt one voice's name."""
    codec = open_codec()
    facts = {
        "preset": name,
        "tokenizer_fingerprint": ByteTokenizer().fingerprint(),
        "codec_fingerprint": codec.fingerprint,
        "speakers": ["nobody"],
        "timbres": {"nobody": [1.0] + [0.0] * 127},
    }
    save_model(build(preset(name), seed=0), folder / name, facts)
    return folder / name


@contextmanager
def served(name: str) -> Iterator[str]:
    """Serve random weights in a process of its own; give its address."""
    folder = Path(tempfile.mkdtemp())
    student = random_student(folder, name)
    command = [
        Path(sys.executable).with_name("lauter"), "serve", f"student={student}",
        "serve.port=0", f"serve.rows={CLIENTS}",
    ]  # fmt: skip
    environment = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().split(" on ")[1].split("/v1")[0]
        finally:
            process.terminate()
            process.wait()
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def closing(pool: Any) -> Iterator[Any]:
    """Give a pool, and close it."""
    try:
        yield pool
    finally:
        pool.close()


@contextmanager
def tiny_app() -> Iterator[ASGIApp]:
    """Give the server's application with a tiny model of random weights, in this process."""
    from served_student import served_student

    from lauter.orchestration.serve.app import make_app
    from lauter.student.speak import Student

    with tempfile.TemporaryDirectory() as folder:
        student = Student.open(random_student(Path(folder), "tiny"))
        with served_student(student, rows=32, most_waiting=200) as made:
            yield make_app(replace(made, stream_s=0.0))
