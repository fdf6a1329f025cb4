"""A stage that writes down, in a folder, each time it is loaded and each batch that it works on.

Files are named ``loaded.STAGE.NODE.PROCESS.*`` and ``worked.STAGE.NODE.PROCESS.FIRST-TEXT.*``, so
that what lost workers and lost nodes did counts too. It can wait for a file, and take its time.
"""

import itertools
import os
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from lauter.pipelines.stage import BatchFunction, Resources


class Seen(NamedTuple):
    stage: str
    node: str
    process: str
    batch: str
    """The text of its first row; empty for what was loaded."""


@dataclass(frozen=True)
class Watched:
    """Adds a column of its name, ``payload`` bytes a row, after ``seconds`` for each batch."""

    folder: str
    name: str
    resources: Resources = field(default_factory=lambda: Resources(batch_size=4))
    seconds: float = 0.0
    seconds_to_load: float = 0.0
    payload: int = 8
    together: int = 1
    """So many batches must be under way in a worker before it goes on with its first ones."""
    reads: tuple[str, ...] = ("text",)

    @property
    def adds(self) -> pa.Schema:
        return pa.schema([(self.name, pa.binary())])

    def open(self) -> BatchFunction:
        time.sleep(self.seconds_to_load)
        note(self.folder, "loaded", self.name)
        meeting, batches = threading.Barrier(self.together), itertools.count()
        turns = threading.Semaphore(self.resources.batches_at_once)

        def work(batch: pa.RecordBatch) -> pa.RecordBatch:
            if not turns.acquire(blocking=False):
                raise RuntimeError("more batches at once than this stage bears")
            try:
                return work_alone(batch)
            finally:
                turns.release()

        def work_alone(batch: pa.RecordBatch) -> pa.RecordBatch:
            note(self.folder, "worked", self.name, batch["text"][0].as_py().replace(" ", "-"))
            if next(batches) < self.together:
                meeting.wait(timeout=30)
            time.sleep(self.seconds)
            content = pa.array([os.urandom(self.payload)] * batch.num_rows)
            return batch.append_column(self.name, content)

        return work


def note(folder: str, *words: str) -> None:
    what, stage, *batch = words
    name = ".".join((what, stage, _node(), str(os.getpid()), *batch, uuid.uuid4().hex))
    (Path(folder) / name).touch()


def loaded(folder: Path) -> list[Seen]:
    return [Seen(*file.name.split(".")[1:4], "") for file in folder.glob("loaded.*")]


def worked(folder: Path) -> list[Seen]:
    return [Seen(*file.name.split(".")[1:5]) for file in folder.glob("worked.*")]


def worked_again(folder: Path, stage: str) -> int:
    """How many batches a stage worked on more often than once."""
    counts = Counter(seen.batch for seen in worked(folder) if seen.stage == stage)
    return sum(count - 1 for count in counts.values())


def wait_until(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


def _node() -> str:
    """The node of Ray's that this worker is on; elsewhere a word."""
    ray = sys.modules.get("ray")
    if ray is None or not ray.is_initialized():
        return "here"
    return str(ray.get_runtime_context().get_node_id())
