"""A served student as teacher, through servers that fail in every way they can.

The servers are `lauter serve`'s own application on real sockets, with faults put around it.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import Lock, Thread, Timer
from typing import Any

import pyarrow as pa
import pytest
from faulty import (
    Fault,
    Faulty,
    answer,
    cut_after,
    hang,
    leave_the_range,
    refuse,
    repeat_ids,
    slow_down,
)
from live_server import LiveServer
from served_student import served_student
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from taught_student import SPEAKER, TAUGHT, write_taught_student, write_untrained_codec

from lauter.datasets.codes import find_fault
from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError
from lauter.datasets.prompts.table import table_from_prompts
from lauter.datasets.records import Prompt, requests_of
from lauter.datasets.top_logits import decompress
from lauter.filters.policy import parse_policy
from lauter.orchestration.serve.app import make_app
from lauter.orchestration.serve.served import Served
from lauter.pipelines.codec_decoder import CodecDecoder
from lauter.pipelines.decode import Decode
from lauter.pipelines.engines.inline import InlineEngine
from lauter.pipelines.plan import Plan, plan
from lauter.pipelines.speak import Speak
from lauter.pipelines.stage import Resources
from lauter.pipelines.summary import Summary, summarise
from lauter.pipelines.synthesize import Job, synthesize
from lauter.student.generation import Sampling
from lauter.student.speak import Student
from lauter.teacher.step_audio.opening import open_pool
from lauter.teacher.step_audio.teacher import StepAudio

ANYTHING = parse_policy(
    """
name: anything
gates:
  - gate: duration
    score: duration_s
    at_least: 0.01
    reason: There is nothing.
    examples: {pass: [0.5], fail: [0.0]}
"""
)
CELLS = [{"language": "en", "dialect": "en-US", "emotion": "neutral"}]
SEEDS = 8
REQUESTS = SEEDS * len(TAUGHT)


@dataclass
class Delivered:
    """Counts answers that were given whole, by the request that they answer, and who is asked."""

    app: ASGIApp
    whole: Counter[str]
    asked_after: Counter[str] = field(default_factory=Counter)
    lock: Lock = field(default_factory=Lock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", []))
        key = headers.get(b"x-request-id", b"").decode().rpartition("-")[0]
        if scope["path"] == "/v1/completions":
            with self.lock:
                self.asked_after[key] += self.whole[key] > 0

        async def watched(message: Message) -> None:
            await send(message)
            if key and b"data: [DONE]" in message.get("body", b""):
                with self.lock:
                    self.whole[key] += 1

        await self.app(scope, receive, watched)


@dataclass(frozen=True)
class Workplace:
    codec: Path
    student: Path
    served: Served


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    folder = tmp_path_factory.mktemp("served")
    codec = write_untrained_codec(folder / "codec")
    written = write_taught_student(folder / "student", codec, cells=CELLS)
    student = Student.open(written, codec=codec, sampling=Sampling(temperature=0))
    with served_student(student, rows=16, most_waiting=200) as served:
        yield Workplace(codec, written, served)


@dataclass
class Run:
    corpus: Corpus
    rows: list[dict[str, Any]]
    summary: Summary
    whole: Counter[str]
    asked_after: int
    outcomes: Counter[str]


def run(
    workplace: Workplace,
    folder: Path,
    faults: Sequence[tuple[Fault, float] | None],
    *,
    during: Any = None,
    tries: int = 3,
    top: int = 0,
    **pool: Any,
) -> Run:
    """Synthesize ``REQUESTS`` requests through as many servers as there are ``faults``."""
    whole: Counter[str] = Counter()
    with ExitStack() as stack:
        servers, counting = [], []
        for fault in faults:
            app: ASGIApp = Delivered(make_app(workplace.served), whole)
            counting.append(app)
            if fault is not None:
                app = Faulty(app, fault[0], share=fault[1])
            servers.append(stack.enter_context(LiveServer(app)))
        if during is not None:
            during(servers)
        settings = {
            "servers": [server.url for server in servers],
            "retries": {"base_s": 0.01, "longest_s": 0.05, "attempts": 12},
            "patience": {"first_s": 2.0, "silence_s": 2.0, "connect_s": 2.0},
            "breaker": {"rest_s": 0.1, "longest_rest_s": 0.5},
            "health_every_s": 0.2,
        } | pool
        open_teacher = partial(
            StepAudio, partial(open_pool, **settings), student=str(workplace.student), tries=tries,
            top=top,
        )  # fmt: skip
        teacher = open_teacher()
        prompts = table_from_prompts(
            [Prompt(text, "en", "en-US", speaker=SPEAKER) for text in TAUGHT]
        )
        asked = pa.concat_tables(
            [plan(prompts, teacher, seed=seed).requests for seed in range(SEEDS)]
        )
        job = Job(
            Speak(open_teacher, Resources(batch_size=REQUESTS), codes=True, logits=top > 0),
            (),
            ANYTHING,
            InlineEngine(),
            decoding=Decode(
                partial(CodecDecoder, str(workplace.codec), (str(workplace.student),)),
                Resources(batch_size=8),
            ),
        )
        corpus = Corpus.create(folder / "corpus")
        synthesize(job, Plan(asked, asked.slice(0, 0)), teacher, corpus)
        teacher.close()
    corpus.refresh()
    rows = [row for batch in corpus.scan() for row in batch.to_pylist()]
    assert sorted(row["request_id"] for row in rows) == sorted(asked["request_id"].to_pylist())
    summary = summarise(corpus)
    outcomes: Counter[str] = Counter()
    for found in summary.servers.values():
        outcomes.update(found)
    # The voice's reference, which is none of these, may be asked for again with another seed. What
    # was sent to hedge may cross the answer on its way, so rows that were hedged prove nothing.
    asked_after = sum(
        one.asked_after[row["request_id"]]
        for one in counting
        for row in rows
        if all(tried["outcome"] != "hedged" for tried in row["server_attempts"])
    )
    return Run(corpus, rows, summary, whole, asked_after, outcomes)


def check_spoken(found: Run) -> None:
    """All was said, right, and nothing was asked again after it had been answered."""
    for row in found.rows:
        assert row["error"] is None
        assert row["codes"] == TAUGHT[row["text"]].tolist()
        assert row["duration_s"] == pytest.approx(len(row["codes"]) / 5 * 0.12)
        assert row["server_attempts"][-1]["outcome"] in ("ok", "hedged")
    assert found.asked_after == 0
    assert found.outcomes["ok"] == REQUESTS
    assert all(found.whole[row["request_id"]] >= 1 for row in found.rows)
    assert found.summary.accepted == REQUESTS


def test_fair_servers_answer_each_request_once(workplace: Workplace, tmp_path: Path) -> None:
    found = run(workplace, tmp_path, [None, None])
    check_spoken(found)
    assert {found.whole[row["request_id"]] for row in found.rows} == {1}
    assert len(found.summary.servers) == 2
    assert found.summary.stage_seconds["teacher"] > 0
    assert found.summary.stage_seconds["decode"] > 0


FAULTS = {
    "hangs": ((hang(), 0.3), "timed out: first id"),
    "answers garbage": ((answer(b"<html>gateway</html>", "text/html"), 0.3), None),
    "answers what is no json": ((answer(b"data: {oh\n\n"), 0.3), "no json"),
    "cuts the stream": ((cut_after(2), 0.3), "cut off"),
    "says 429": ((refuse(429, "0"), 0.3), "http 429"),
    "says 500": ((refuse(500), 0.3), "http 500"),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", FAULTS)
def test_a_server_that_fails_is_survived(workplace: Workplace, tmp_path: Path, kind: str) -> None:
    fault, outcome = FAULTS[kind]
    patience = {"first_s": 0.3, "silence_s": 0.5, "connect_s": 2.0}
    found = run(workplace, tmp_path, [fault, fault], patience=patience)
    check_spoken(found)
    others = {name: count for name, count in found.outcomes.items() if name not in ("ok", "hedged")}
    assert others, "no fault struck"
    if outcome:
        assert outcome in others


@pytest.mark.parametrize(
    ("fault", "kind"),
    [(repeat_ids(), "misplaced code"), (leave_the_range(), "no code")],
)
def test_an_answer_that_is_no_speech_is_asked_for_again_with_another_seed(
    workplace: Workplace, tmp_path: Path, fault: Fault, kind: str
) -> None:
    found = run(workplace, tmp_path, [(fault, 0.5), None], tries=8)
    for row in found.rows:
        assert row["codes"] == TAUGHT[row["text"]].tolist()
        seeds = [one["seed"] for one in row["server_attempts"] if one["outcome"] != "hedged"]
        assert len(set(seeds)) == len(seeds)
    assert found.outcomes[f"invalid codes: {kind}"] > 0
    assert found.outcomes["ok"] == REQUESTS


def test_what_is_never_speech_becomes_a_dead_letter_with_its_codes(
    workplace: Workplace, tmp_path: Path
) -> None:
    found = run(workplace, tmp_path, [(repeat_ids(), 1.0)], tries=2, hedging=False)
    for row in found.rows:
        assert row["error_kind"] == "invalid"
        assert "no answer was speech" in row["error"]
        assert row["audio"] is None
        assert find_fault(row["codes"]) is not None
        assert len(row["server_attempts"]) == 2
        assert row["attempts"] == 1
    assert found.summary.errors == {"invalid": REQUESTS}
    assert found.summary.accepted == 0


def test_a_server_ten_times_slower_than_its_three_peers_holds_up_nobody(
    workplace: Workplace, tmp_path: Path
) -> None:
    found = run(workplace, tmp_path, [(slow_down(0.1), 1.0), None, None, None])
    check_spoken(found)
    spoken = {server: counts.get("ok", 0) for server, counts in found.summary.servers.items()}
    assert sum(spoken.values()) == REQUESTS


def test_a_server_that_dies_and_comes_back_loses_no_request(
    workplace: Workplace, tmp_path: Path
) -> None:
    first: list[LiveServer] = []

    def fall() -> None:
        first[0].die()
        Timer(0.3, first[0].start).start()

    async def fall_in_the_middle(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            await send(message)
            # The voice's reference, which comes before all others, comes alone.
            if len(active) >= 4 and not has_fallen:
                has_fallen.append(True)
                Thread(target=fall).start()
            await asyncio.sleep(0.05)

        active.append(scope)
        try:
            await app(scope, receive, sending)
        finally:
            active.remove(scope)

    active: list[Scope] = []
    has_fallen: list[bool] = []
    faults = [(fall_in_the_middle, 1.0), (slow_down(0.05), 1.0)]
    found = run(workplace, tmp_path, faults, during=first.extend, hedging=False)
    check_spoken(found)
    assert found.outcomes.keys() & {"cut off", "no connection"}


def test_likeliest_codes_come_along_in_the_cached_format(
    workplace: Workplace, tmp_path: Path
) -> None:
    found = run(workplace, tmp_path, [None], top=8)
    for row in found.rows:
        kept = decompress(row["top_logits"])
        assert kept.places == len(row["codes"]) + 1
        likeliest = kept.entries[:, 0].tolist()
        said = [code if code < 1024 else code - 1024 for code in row["codes"]]
        assert likeliest == [*said, 1024]
        assert re.fullmatch("[0-9a-f]{32}", row["top_logits_fingerprint"])


def test_a_request_that_was_planned_with_other_weights_is_not_asked(workplace: Workplace) -> None:
    whole: Counter[str] = Counter()
    with LiveServer(Delivered(make_app(workplace.served), whole)) as server:
        teacher = StepAudio(partial(open_pool, [server.url]), student=str(workplace.student))
        prompts = table_from_prompts([Prompt("one", "en", "en-US", speaker=SPEAKER)])
        (planned,) = requests_of(plan(prompts, teacher).requests.combine_chunks().to_batches()[0])
        other = replace(planned, teacher_fingerprint="of other weights")
        (refused,) = teacher.speak([other])
        assert isinstance(refused, UsageError)
        assert "was planned for another model" in str(refused)
        assert not whole
        (spoken,) = teacher.speak([planned])
        assert list(spoken.codes) == TAUGHT["one"].tolist()
        teacher.close()
