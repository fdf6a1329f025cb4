"""Worker processes of the inline engine: each runs the whole chain of stages on its own batches.

A batch whose worker dies is split, and its rows are tried one by one; a row that takes down its
worker ``MAX_CRASHES`` times is a dead letter of kind ``crashed``. A worker that dies while it loads
its models, or between two batches, blames no row.
"""

import multiprocessing
import os
import pickle
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

import pyarrow as pa

from lauter.datasets.errors import LauterError
from lauter.pipelines.dead_letters import MAX_CRASHES, dead_letters
from lauter.pipelines.isolation import open_chain
from lauter.pipelines.stage import Pipeline

MAX_DEATHS_AT_START = 3
"""How many workers may die one after the other before any of them has loaded its models."""


def run_in_processes(
    pipeline: Pipeline, batches: Sequence[pa.RecordBatch], count: int
) -> Iterator[pa.RecordBatch]:
    """Yield finished batches as they come from ``count`` workers, which end with the iterator."""
    pool = _Pool(pipeline, batches)
    try:
        yield from pool.run(count)
    finally:
        pool.close()


@dataclass(eq=False)
class _Worker:
    process: BaseProcess
    connection: Connection
    has_loaded: bool = False
    batch: pa.RecordBatch | None = None
    crashes: int = 0

    @property
    def cause_of_death(self) -> str:
        code = self.process.exitcode
        return signal.Signals(-code).name if code and code < 0 else f"exit status {code}"


class _Pool:
    """Workers, what waits for them, and what is suspected of having killed one."""

    def __init__(self, pipeline: Pipeline, batches: Sequence[pa.RecordBatch]) -> None:
        self._schema = pipeline.schema
        self._pickled = pickle.dumps(pipeline)
        # With each batch, how often it has taken a worker down.
        self._waiting = deque((batch, 0) for batch in batches)
        self._suspects: deque[tuple[pa.RecordBatch, int]] = deque()
        self._workers: list[_Worker] = []
        self._deaths_at_start = 0

    def run(self, count: int) -> Iterator[pa.RecordBatch]:
        self._workers = [_started(self._pickled) for _ in range(count)]
        for worker in list(self._workers):
            self._give(worker)
        while busy := [worker for worker in self._workers if worker.batch is not None]:
            heard = wait([worker.connection for worker in busy])
            for worker in busy:
                if worker.connection in heard:
                    yield from self._hear(worker)

    def close(self) -> None:
        for worker in self._workers:
            worker.connection.close()
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join(timeout=5)
            if worker.process.is_alive():
                worker.process.kill()

    def _hear(self, worker: _Worker) -> Iterator[pa.RecordBatch]:
        try:
            kind, payload = worker.connection.recv()
        except (EOFError, OSError):
            yield from self._bury(worker)
            return
        if kind == "loaded":
            worker.has_loaded = True
            self._deaths_at_start = 0
        elif kind == "error":
            raise payload
        else:
            self._give(worker)
            yield payload

    def _give(self, worker: _Worker) -> None:
        """Hand the worker its next batch, if there is one: fresh rows first, suspects last."""
        queue = self._waiting or self._suspects
        if not queue:
            worker.batch = None
            return
        worker.batch, worker.crashes = queue[0]
        try:
            worker.connection.send(worker.batch)
        except OSError:
            self._give(self._replaced(worker))
        else:
            queue.popleft()

    def _bury(self, worker: _Worker) -> Iterator[pa.RecordBatch]:
        """Deal with the rows of a worker that died: split them, try again, or give them up."""
        batch, crashes = worker.batch, worker.crashes
        assert batch is not None
        successor = self._replaced(worker)
        if not worker.has_loaded:
            self._waiting.appendleft((batch, crashes))
        elif batch.num_rows > 1:
            self._suspects.extend((batch.slice(row, 1), 0) for row in range(batch.num_rows))
        elif crashes + 1 < MAX_CRASHES:
            self._suspects.append((batch, crashes + 1))
        else:
            error = f"the worker died ({worker.cause_of_death})"
            yield dead_letters(batch, self._schema, error, crashes + 1)
        self._give(successor)

    def _replaced(self, worker: _Worker) -> _Worker:
        """Start another worker in place of one that died."""
        worker.connection.close()
        worker.process.join()
        if not worker.has_loaded:
            self._deaths_at_start += 1
            if self._deaths_at_start == MAX_DEATHS_AT_START:
                raise LauterError(
                    f"{MAX_DEATHS_AT_START} workers died one after the other "
                    f"({worker.cause_of_death}) while they loaded their models; if memory is "
                    f"short, set engine.workers to less than {len(self._workers)}"
                )
        self._workers.remove(worker)
        successor = _started(self._pickled)
        self._workers.append(successor)
        return successor


def _started(pipeline: bytes) -> _Worker:
    # Spawned, not forked: models and thread pools of this process must not be inherited.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, pipeline), daemon=True)
    # The parent decides what Ctrl-C means. A child inherits the mask, so that it is deaf to it
    # from its first moment on, while it still imports. Python's tracker of resources, started with
    # the first child, would lift the mask just before that child: it is there already.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    theirs.close()
    return _Worker(process, ours)


def _work(connection: Connection, pickled: bytes) -> None:
    """The life of a worker: open the stages, answer each batch, end with the connection."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        chain = open_chain(pickle.loads(pickled))
        connection.send(("loaded", None))
        while True:
            batch = connection.recv()
            connection.send(("batch", chain(batch)))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    except LauterError as error:
        connection.send(("error", type(error)(str(error))))
    except BaseException as error:
        connection.send(("error", LauterError(f"{type(error).__name__}: {error}")))
