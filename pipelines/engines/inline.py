"""The inline engine: this machine, in threads of this process or in processes of their own.

With no workers everything happens in this process: while one batch is scored the next one is
spoken, each stage in a thread of its own. That is enough where stages are cheap, or spend their
time in native code. With workers, each is a process that runs the whole chain of stages on its own
batches. That needs each model once per worker, and in return every core is busy to the end
whatever the stages cost, no audio travels between processes before it is finished, and a crash in
native code takes down one worker: its rows are tried again one by one, and a row that kills its
worker each time becomes a dead letter of kind ``crashed``.
"""

import multiprocessing
import os
import pickle
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

import pyarrow as pa

from lauter.datasets.errors import LauterError
from lauter.pipelines.dead_letters import MAX_CRASHES, dead_letters
from lauter.pipelines.stage import BatchFunction, Pipeline


@dataclass(frozen=True)
class InlineEngine:
    """Runs pipelines here. ``workers=0``: in threads of this process."""

    workers: int = 0
    name: str = "inline"

    def run(self, pipeline: Pipeline, rows: pa.Table) -> Iterator[pa.RecordBatch]:
        """Yield finished batches; see ``Engine.run``."""
        batch_size = min(stage.resources.batch_size for stage in pipeline.stages)
        batches = rows.combine_chunks().to_batches(max_chunksize=batch_size)
        if self.workers == 0 or not batches:
            return _run_in_threads(pipeline, batches)
        return _run_in_processes(pipeline, deque(batches), min(self.workers, len(batches)))


def _run_in_threads(
    pipeline: Pipeline, batches: Sequence[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Yield finished batches in order; a stage is only ever in its own thread."""
    threads = [ThreadPoolExecutor(1, thread_name_prefix=stage.name) for stage in pipeline.stages]
    functions = [stage.open() for stage in pipeline.stages]

    def after(function: BatchFunction, before: Future[pa.RecordBatch]) -> pa.RecordBatch:
        return function(before.result())

    waiting: deque[Future[pa.RecordBatch]] = deque()
    try:
        for batch in batches:
            future: Future[pa.RecordBatch] = Future()
            future.set_result(batch)
            for thread, function in zip(threads, functions, strict=True):
                future = thread.submit(after, function, future)
            waiting.append(future)
            if len(waiting) > len(threads):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for thread in threads:
            thread.shutdown(cancel_futures=True)


@dataclass(eq=False)
class _Worker:
    process: BaseProcess
    connection: Connection
    batch: pa.RecordBatch | None = None
    crashes: int = 0


def _run_in_processes(
    pipeline: Pipeline, waiting: deque[pa.RecordBatch], count: int
) -> Iterator[pa.RecordBatch]:
    pickled = pickle.dumps(pipeline)
    # (batch, how often it has taken a worker down); whole batches are split after one crash.
    suspects: deque[tuple[pa.RecordBatch, int]] = deque()
    workers = [_start(pickled) for _ in range(count)]
    try:
        for worker in workers:
            _give(worker, waiting, suspects)
        while busy := [worker for worker in workers if worker.batch is not None]:
            ready = wait([worker.connection for worker in busy])
            for worker in busy:
                if worker.connection not in ready:
                    continue
                try:
                    kind, payload = worker.connection.recv()
                except EOFError:
                    yield from _bury(worker, pipeline, suspects)
                    workers.remove(worker)
                    workers.append(worker := _start(pickled))
                    _give(worker, waiting, suspects)
                    continue
                if kind == "error":
                    raise payload
                _give(worker, waiting, suspects)
                yield payload
    finally:
        for worker in workers:
            worker.connection.close()
            worker.process.terminate()
        for worker in workers:
            worker.process.join(timeout=5)
            if worker.process.is_alive():
                worker.process.kill()


def _start(pipeline: bytes) -> _Worker:
    # Spawned, not forked: models and thread pools of this process must not be inherited.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, pipeline), daemon=True)
    # The parent decides what Ctrl-C means. A child inherits the mask, so that it is deaf to it
    # from its first moment on, while it still imports.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    theirs.close()
    return _Worker(process, ours)


def _give(
    worker: _Worker,
    waiting: deque[pa.RecordBatch],
    suspects: deque[tuple[pa.RecordBatch, int]],
) -> None:
    """Hand the worker its next batch, if there is one: fresh rows first, suspects last."""
    if waiting:
        worker.batch, worker.crashes = waiting.popleft(), 0
    elif suspects:
        worker.batch, worker.crashes = suspects.popleft()
    else:
        worker.batch = None
        return
    worker.connection.send(worker.batch)


def _bury(
    worker: _Worker, pipeline: Pipeline, suspects: deque[tuple[pa.RecordBatch, int]]
) -> Iterator[pa.RecordBatch]:
    """Deal with the rows of a worker that died: split them, try again, or give them up."""
    worker.process.join()
    batch = worker.batch
    assert batch is not None
    crashes = worker.crashes + 1
    if batch.num_rows > 1:
        suspects.extend((batch.slice(row, 1), 0) for row in range(batch.num_rows))
    elif crashes < MAX_CRASHES:
        suspects.append((batch, crashes))
    else:
        code = worker.process.exitcode
        cause = signal.Signals(-code).name if code and code < 0 else f"exit status {code}"
        yield dead_letters(batch, pipeline.schema, f"the worker died ({cause})", crashes)


def _work(connection: Connection, pickled: bytes) -> None:
    """The life of a worker: open the stages, answer each batch, end with the connection."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        chain = pickle.loads(pickled).open()
        while True:
            batch = connection.recv()
            connection.send(("batch", chain(batch)))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    except LauterError as error:
        connection.send(("error", type(error)(str(error))))
    except BaseException as error:
        connection.send(("error", LauterError(f"{type(error).__name__}: {error}")))
