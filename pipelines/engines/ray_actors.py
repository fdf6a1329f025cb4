"""What runs inside Ray: the workers of a stage's pool, and the ledger of their crashes.

Ray gives a batch whose worker is gone to another one, however often, so a lost node costs what was
under way on it and nothing else. A row that kills its workers would be given on for ever: the
ledger knows which batches a worker held when it died while its node lived. Such a batch is worked
row by row with nothing beside it, and a row that goes on killing becomes a dead letter.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lauter.datasets.identity import digest
from lauter.pipelines.dead_letters import MAX_CRASHES
from lauter.pipelines.isolation import open_isolated
from lauter.pipelines.stage import Stage

FAILURE = pa.field(
    "lauter.failure",
    pa.struct({"kind": pa.string(), "error": pa.string(), "attempts": pa.int8()}),
)
"""Why a row failed, on its way past the stages that are left; null while it is sound."""


class CrashLedger:
    """An actor that knows which batches are under way, and how often each killed its worker."""

    def __init__(self) -> None:
        self._under_way: dict[str, str] = {}
        self._crashes: Counter[str] = Counter()

    def begin(self, batch: str, node: str) -> int:
        """Note that a worker on ``node`` takes up ``batch``; return its crashes until now."""
        before = self._under_way.get(batch)
        if before is not None and _lives(before):
            self._crashes[batch] += 1
        self._under_way[batch] = node
        return self._crashes[batch]

    def end(self, *batches: str) -> None:
        """Note that nobody works on these any more."""
        for batch in batches:
            self._under_way.pop(batch, None)
            self._crashes.pop(batch, None)


class StageWorker:
    """A worker of a stage's pool: Ray builds it once and hands it one table after the other."""

    def __init__(self, stage: Stage, before: pa.Schema, after: pa.Schema, ledger: Any) -> None:
        import ray

        self._name = stage.name
        self._before = before
        self._after = after.append(FAILURE)
        self._ledger = ledger
        self._node = ray.get_runtime_context().get_node_id()
        self._turns = _Turns(stage.resources.batches_at_once)
        self._stage = open_isolated(stage)

    def __call__(self, table: pa.Table) -> pa.Table:
        """Return the table with the stage's columns, which are null in rows that failed."""
        finished = []
        for batch in table.combine_chunks().to_batches():
            sound, failed = sound_and_failed(batch)
            finished.append(fitted(failed, self._after))
            if sound.num_rows:
                finished += self._worked(sound.select(self._before.names))
        return pa.Table.from_batches(finished, self._after)

    def _worked(self, batch: pa.RecordBatch) -> list[pa.RecordBatch]:
        key = self._key(batch, "together")
        with self._turns.one():
            if not self._crashes_before(key):
                finished = self._attempted(batch)
                self._ledger.end.remote(key)
                return finished
        rows = [batch.slice(row, 1) for row in range(batch.num_rows)]
        with self._turns.all():
            finished = [each for row in rows for each in self._worked_alone(row)]
        self._ledger.end.remote(key, *(self._key(row, "alone") for row in rows))
        return finished

    def _worked_alone(self, row: pa.RecordBatch) -> list[pa.RecordBatch]:
        """Work on a row that may kill this worker; each time that it did is in the ledger."""
        key = self._key(row, "alone")
        crashes = self._crashes_before(key)
        if crashes >= MAX_CRASHES:
            return [self._as_failed(row, "crashed", "the worker died", crashes)]
        finished = self._attempted(row)
        self._ledger.end.remote(key)
        return finished

    def _attempted(self, batch: pa.RecordBatch) -> list[pa.RecordBatch]:
        attempted = self._stage(batch)
        done = [] if attempted.done is None else [fitted(attempted.done, self._after)]
        return done + [
            self._as_failed(failed.row, "failed", failed.error, 1) for failed in attempted.failed
        ]

    def _as_failed(
        self, row: pa.RecordBatch, kind: str, error: str, attempts: int
    ) -> pa.RecordBatch:
        failure = pa.array([{"kind": kind, "error": error, "attempts": attempts}], FAILURE.type)
        return fitted(row.append_column(FAILURE.name, failure), self._after)

    def _crashes_before(self, key: str) -> int:
        import ray

        # Waited for: a worker that dies at once must have been heard.
        crashes: int = ray.get(self._ledger.begin.remote(key, self._node))
        return crashes

    def _key(self, batch: pa.RecordBatch, how: str) -> str:
        ids = batch["request_id"].to_pylist()
        return digest("lauter.underway.v1", "\n".join((self._name, how, *ids)))


class _Turns:
    """Lets so many threads work at a time, or one alone."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._slots = threading.Semaphore(count)
        self._gathering = threading.Lock()

    @contextmanager
    def one(self) -> Iterator[None]:
        with self._slots:
            yield

    @contextmanager
    def all(self) -> Iterator[None]:
        with self._gathering:
            for _ in range(self._count):
                self._slots.acquire()
        try:
            yield
        finally:
            self._slots.release(self._count)


def sound_and_failed(batch: pa.RecordBatch) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """Return the rows of ``batch`` that no stage has failed on, and the others."""
    sound = pc.is_null(batch[FAILURE.name])
    if sound.false_count == 0:
        return batch, batch.slice(0, 0)
    return batch.filter(sound), batch.filter(pc.invert(sound))


def fitted(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return ``batch`` with the columns of ``schema``, null where it has none of that name."""
    columns = [
        batch[field.name].cast(field.type)
        if field.name in batch.schema.names
        else pa.nulls(batch.num_rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _lives(node: str) -> bool:
    import ray

    return any(each["NodeID"] == node and each["Alive"] for each in ray.nodes())
