"""`resume_over_hashing`: planning a finished corpus anew and finding nothing to do.

A million prompts are planned and held against a corpus that has all of their requests, over a bare
loop that only writes each request in the canonical form and hashes it.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
from throughput import canned_prompts

from lauter.datasets.corpus import Corpus
from lauter.datasets.identity import content_id
from lauter.datasets.records import REQUEST_DOMAIN
from lauter.pipelines.plan import plan
from lauter.teacher.canned import CannedTeacher

REQUESTS = 1_000_000
IDENTITY = (
    "text", "language", "dialect", "emotion", "emotion_level", "style", "speed_level", "speaker",
    "teacher", "teacher_fingerprint", "seed",
)  # fmt: skip


def resume_over_hashing(count: int = REQUESTS) -> dict[str, Any]:
    """Return the row of the table; raises where the two loops do not agree on the ids."""
    prompts, teacher = canned_prompts(count), CannedTeacher()
    with tempfile.TemporaryDirectory() as folder:
        corpus = finished_corpus(Path(folder) / "corpus", plan(prompts, teacher, seed=0).requests)
        started = time.perf_counter()
        planned = plan(prompts, teacher, seed=0)
        pending = Corpus.open(corpus.path).pending(planned.requests)
        value = time.perf_counter() - started
    assert not pending.num_rows and planned.requests.num_rows == count
    rows = planned.requests.select(IDENTITY).to_pylist()
    started = time.perf_counter()
    ids = [content_id(REQUEST_DOMAIN, row) for row in rows]
    bare = time.perf_counter() - started
    assert ids == planned.requests["request_id"].to_pylist()
    return {
        "name": "resume_over_hashing",
        "value": round(value, 2),
        "unit": "s",
        "against": f"serialising and hashing {count} requests: {bare:.2f} s",
        "ratio": round(value / bare, 3),
    }


def finished_corpus(folder: Path, requests: pa.Table) -> Corpus:
    """Return a corpus in which every request is answered, with next to no audio."""
    corpus = Corpus.create(folder)
    answer = {"audio": b"-", "audio_digest": "-", "sample_rate": 24_000, "duration_s": 3.0,
              "attempts": 1, "wall_s": 0.0, "device_s": 0.0}  # fmt: skip
    with corpus.writing(rows_per_commit=100_000) as writer:
        for batch in requests.to_batches(max_chunksize=100_000):
            columns = {name: batch[name] for name in batch.schema.names}
            for name, value in answer.items():
                kind = corpus.schema.field(name).type
                columns[name] = pa.repeat(pa.scalar(value, kind), batch.num_rows)
            writer.append(pa.RecordBatch.from_pydict(columns))
    return corpus
