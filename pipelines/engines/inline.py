"""The inline engine: this machine, in threads of this process or in processes of their own.

With no workers everything happens in this process: while one batch is scored the next one is
spoken, each stage in a thread of its own. That is enough where stages are cheap, or spend their
time in native code. With workers, each is a process that runs the whole chain of stages on its own
batches. That needs each model once per worker, and in return every core is busy to the end
whatever the stages cost, no audio travels between processes before it is finished, and a crash in
native code takes down one worker and not the run (``processes.py``).
"""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa

from lauter.pipelines.engines.processes import run_in_processes
from lauter.pipelines.isolation import Attempted, IsolatedStage, dead_letter, open_isolated
from lauter.pipelines.stage import Pipeline


@dataclass(frozen=True)
class InlineEngine:
    """Runs pipelines here. ``workers=0``: in threads of this process."""

    workers: int = 0
    name: str = "inline"

    def start(self) -> None:
        """Do nothing: what runs here is here."""

    def run(self, pipeline: Pipeline, rows: pa.Table) -> Iterator[pa.RecordBatch]:
        """Yield finished batches; see ``Engine.run``."""
        batches = rows.combine_chunks().to_batches(max_chunksize=pipeline.batch_size)
        if self.workers == 0 or not batches:
            return _run_in_threads(pipeline, batches)
        return run_in_processes(pipeline, batches, min(self.workers, len(batches)))


def _run_in_threads(
    pipeline: Pipeline, batches: Sequence[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Yield finished batches in order; a stage is only ever in its own thread."""
    threads = [ThreadPoolExecutor(1, thread_name_prefix=stage.name) for stage in pipeline.stages]
    stages = [open_isolated(stage) for stage in pipeline.stages]

    def after(stage: IsolatedStage, before: Future[Attempted]) -> Attempted:
        done, failed = before.result().done, before.result().failed
        if done is None:
            return Attempted(None, failed)
        attempted = stage(done)
        return Attempted(attempted.done, (*failed, *attempted.failed))

    def finished(future: Future[Attempted]) -> Iterator[pa.RecordBatch]:
        attempted = future.result()
        if attempted.done is not None:
            yield attempted.done
        for failed in attempted.failed:
            yield dead_letter(failed, pipeline)

    waiting: deque[Future[Attempted]] = deque()
    try:
        for batch in batches:
            future: Future[Attempted] = Future()
            future.set_result(Attempted(batch, ()))
            for thread, stage in zip(threads, stages, strict=True):
                future = thread.submit(after, stage, future)
            waiting.append(future)
            if len(waiting) > len(threads):
                yield from finished(waiting.popleft())
        while waiting:
            yield from finished(waiting.popleft())
    finally:
        # Not waited for: a teacher may hang, and whoever pressed Ctrl-C should not.
        for thread, stage in zip(threads, stages, strict=True):
            thread.shutdown(wait=False, cancel_futures=True)
            threading.Thread(target=stage.close, daemon=True).start()
