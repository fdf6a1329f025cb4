"""The inline engine: this machine, in threads of this process or in processes of their own.

With no workers everything happens in this process: while one batch is scored the next one is
spoken, each stage in a thread of its own. That is enough where stages are cheap, or spend their
time in native code. With workers, each is a process that runs the whole chain of stages on its own
batches. That needs each model once per worker, and in return every core is busy to the end
whatever the stages cost, no audio travels between processes before it is finished, and a crash in
native code takes down one worker and not the run (``processes.py``).
"""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa

from lauter.pipelines.engines.processes import run_in_processes
from lauter.pipelines.stage import BatchFunction, Pipeline, open_stage


@dataclass(frozen=True)
class InlineEngine:
    """Runs pipelines here. ``workers=0``: in threads of this process."""

    workers: int = 0
    name: str = "inline"

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
    functions = [open_stage(stage) for stage in pipeline.stages]

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
        # Not waited for: a teacher may hang, and whoever pressed Ctrl-C should not.
        for thread in threads:
            thread.shutdown(wait=False, cancel_futures=True)
