"""What the pipeline itself costs: a teacher that returns one clip, scorers that return constants.

20,000 planned requests are spoken, scored, appended and judged on each engine, over
the time that Lance alone takes to write the same rows. The corpus that Lance writes has the same
schema, the same bytes and as many rows a commit; what it lacks are the pipeline and the verdicts.
"""

import gc
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from statistics import median
from typing import Any

import lance
import numpy as np
import pyarrow as pa
import ray
from hibari import SAMPLE_RATE, Hibari

from lauter.datasets.audio import encode_flac
from lauter.datasets.corpus import Corpus
from lauter.datasets.records import PROMPT_SCHEMA, Request, described
from lauter.filters.policy import load_policy
from lauter.filters.protocol import Sample
from lauter.pipelines.engines.beam import BeamEngine
from lauter.pipelines.engines.inline import InlineEngine
from lauter.pipelines.engines.protocol import Engine
from lauter.pipelines.engines.ray import RayEngine
from lauter.pipelines.plan import Plan, plan
from lauter.pipelines.speak import Speak
from lauter.pipelines.stage import Resources
from lauter.pipelines.synthesize import Job, synthesize
from lauter.teacher.canned import CannedTeacher
from lauter.teacher.protocol import Speech

ROWS = 20_000
CLIP_S = 3.0
RUNS = 3
BATCH = 64


class ClipsTeacher(CannedTeacher):
    """Gives every request a clip of its own: real speech, and its id as a block of metadata.

    One clip for all would not do: Lance stores what repeats but once.
    """

    def __init__(self) -> None:
        super().__init__(_clip())

    def speak(self, requests: Sequence[Request]) -> Sequence[Speech | Exception]:
        """Return a clip for each request."""
        return [
            replace(speech, flac=_marked(speech.flac, request.request_id))
            if isinstance(speech, Speech)
            else speech
            for request, speech in zip(requests, super().speak(requests), strict=True)
        ]


@cache
def _clip() -> bytes:
    samples = Hibari()("The baker left before seven, and nobody was surprised.", seed=0)
    return encode_flac(np.resize(samples, round(CLIP_S * SAMPLE_RATE)), SAMPLE_RATE)


def _marked(flac: bytes | None, request_id: str) -> bytes:
    """Return the FLAC with its id in an APPLICATION block (RFC 9639, section 8.4)."""
    assert flac is not None and not flac[4] & 0x80, "STREAMINFO is followed by other blocks"
    block = b"Laut" + bytes.fromhex(request_id)
    return flac[:42] + bytes([2]) + len(block).to_bytes(3) + block + flac[42:]


class ConstantScorer:
    """Gives every utterance the same figures, which pass every gate."""

    name = "constant"
    fields = (
        described("cer", pa.float64(), "A constant"),
        described("speaker_similarity", pa.float64(), "A constant"),
        described("energy_db", pa.float64(), "A constant", unit="dB"),
    )

    def fingerprint(self) -> str:
        """Return its name: nothing decides its figures."""
        return "constant-1"

    def score(self, samples: Sequence[Sample]) -> Sequence[Mapping[str, Any] | Exception]:
        """Return the constants."""
        return [{"cer": 0.0, "speaker_similarity": 0.9, "energy_db": -25.0}] * len(samples)


def canned_plan(rows: int) -> Plan:
    """Return ``rows`` requests of different texts."""
    return plan(canned_prompts(rows), ClipsTeacher(), seed=0)


def canned_prompts(rows: int) -> pa.Table:
    """Return ``rows`` prompts of different texts, alike in all else."""
    same = {
        "language": "en",
        "dialect": "en-US",
        "emotion": "neutral",
        "emotion_level": 0,
        "style": "plain",
        "speed_level": 0,
        "speaker": "canned_en-US",
        "text_source": "bench",
        "text_licence": "CC0-1.0",
    }
    texts = [f"Sentence {number} of the bench, as long as most are." for number in range(rows)]
    columns = {
        field.name: pa.array(texts)
        if field.name == "text"
        else pa.repeat(pa.scalar(same.get(field.name, ""), field.type), rows)
        for field in PROMPT_SCHEMA
    }
    return pa.table(columns, schema=PROMPT_SCHEMA)


def canned_job(engine: Engine) -> Job:
    """Return the job that every engine is measured with."""
    return Job(
        speaking=Speak(partial(ClipsTeacher), Resources(batch_size=BATCH)),
        open_scorers=(partial(ConstantScorer),),
        policy=load_policy("permissive"),
        engine=engine,
        scoring=Resources(batch_size=BATCH),
    )


def through_pipeline(folder: Path, planned: Plan, engine: Engine) -> float:
    """Return the seconds from requests to a judged corpus in ``folder``."""
    started = time.perf_counter()
    synthesize(canned_job(engine), planned, ClipsTeacher(), Corpus.create(folder))
    return time.perf_counter() - started


def through_lance(folder: Path, source: Corpus) -> float:
    """Return the seconds that Lance takes to write the rows of ``source``, commit by commit."""
    rows = list(source.scan(batch_size=1024))
    started = time.perf_counter()
    lance.write_dataset(source.schema.empty_table(), str(folder), mode="create")
    for batch in rows:
        lance.write_dataset(pa.Table.from_batches([batch]), str(folder), mode="append")
    return time.perf_counter() - started


def engines_over_lance(rows: int = ROWS) -> Iterator[dict[str, Any]]:
    """Yield a row for each engine: medians of ``RUNS`` runs of each, taken in turn."""
    planned = canned_plan(rows)
    RayEngine().start()  # a running Ray is what a cluster has; its start-up is not the pipeline's
    engines: dict[str, Engine] = {
        "inline": InlineEngine(),
        "ray": RayEngine(),
        "beam": BeamEngine(),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ("lance", *engines)}
    for _ in range(RUNS):
        for name, engine in engines.items():
            with tempfile.TemporaryDirectory(dir=os.environ.get("LAUTER_BENCH_FOLDER")) as folder:
                corpus = Path(folder) / "corpus"
                seconds[name].append(through_pipeline(corpus, planned, engine))
                if name == "inline":
                    bare = Path(folder) / "bare.lance"
                    seconds["lance"].append(through_lance(bare, Corpus.open(corpus)))
                    shutil.rmtree(bare)
            gc.collect()
            os.sync()
    ray.shutdown()
    bare_s = median(seconds["lance"])
    for name in engines:
        value = median(seconds[name])
        yield {
            "name": f"{name}_over_lance",
            "value": round(value, 2),
            "unit": "s",
            "against": f"Lance writes the same {rows} rows alone: {bare_s:.2f} s",
            "ratio": round(value / bare_s, 3),
        }
