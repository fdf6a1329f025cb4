"""The Beam engine: the pipeline as a Beam job, for Dataflow, Flink, Spark, or in process.

A job's graph must stay small and cannot hand rows back to the program that submits it, so all
that is large goes through a scratch folder, which the driver and every worker reach: stages and
requests on the way in, and each finished batch as a file on the way out. The driver takes files as
they appear. A bundle that a runner repeats gives the same rows again, and what came once is not
taken twice. A row whose stage raises leaves by a tagged output, as a dead letter. A worker that
dies is the runner's to replace: a row that kills it each time ends the job.
"""

import logging
import os
import tempfile
import threading
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import PipelineResult

from lauter.datasets.errors import LauterError, UsageError
from lauter.pipelines.engines.beam_transforms import (
    FINISHED,
    ReadRequests,
    RunPipeline,
    WriteBatch,
    put_pipeline,
)
from lauter.pipelines.engines.failures import failure_of
from lauter.pipelines.engines.scratch import Scratch, batches_of, to_bytes
from lauter.pipelines.stage import Pipeline

IN_PROCESS = "FnApiRunner"
BATCHES_PER_FILE = 256
"""So many batches of requests lie in one file: the graph names files."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 2.0
"""The driver looks for finished batches so often, and the less often the longer none come."""


@dataclass(frozen=True)
class BeamEngine:
    """Runs pipelines on Beam.

    ``runner`` is named outright: left to itself, Beam's direct runner may try to download another
    one. ``options`` are Beam's own, by their names. ``workers`` are processes of the in-process
    runner. ``scratch_folder`` is a path or a URL such as ``gs://bucket/scratch``; without one
    there is the system's temporary folder, which is enough in process alone.
    """

    runner: str = IN_PROCESS
    options: Mapping[str, Any] = field(default_factory=dict)
    workers: int = 1
    scratch_folder: str | None = None
    name: str = "beam"

    def __post_init__(self) -> None:
        if not isinstance(self.options, Mapping):
            raise UsageError(
                f"engine.options is {self.options!r}; give Beam's options by their names, such as "
                "'+engine.options.region=europe-west4'"
            )
        if self.runner != IN_PROCESS and self.scratch_folder is None:
            raise UsageError(
                f"{self.runner} works on other machines, and engine.scratch_folder is not set; set "
                "it to a folder that they and this machine reach, such as gs://bucket/scratch"
            )

    def start(self) -> None:
        """Do nothing: each run is a job of its own."""

    def run(self, pipeline: Pipeline, rows: pa.Table) -> Iterator[pa.RecordBatch]:
        """Yield finished batches; see ``Engine.run``."""
        batches = rows.combine_chunks().to_batches(max_chunksize=pipeline.batch_size)
        if not batches:
            return
        folder = (self.scratch_folder or tempfile.gettempdir()).rstrip("/")
        scratch = Scratch(f"{folder}/lauter-beam-{uuid.uuid4().hex}")
        scratch.create()
        try:
            put_pipeline(scratch, pipeline)
            files = {
                f"requests-{start}.arrow": batches[start : start + BATCHES_PER_FILE]
                for start in range(0, len(batches), BATCHES_PER_FILE)
            }
            for name, content in files.items():
                scratch.write(name, to_bytes(*content))
            job = _Job(self, scratch, list(files), [stage.name for stage in pipeline.stages])
            taken = 0
            for batch in job.results():
                taken += batch.num_rows
                yield batch
            if taken < rows.num_rows:
                raise LauterError(
                    f"the Beam job has finished and {rows.num_rows - taken} of {rows.num_rows} "
                    f"rows did not come to {folder}: do its workers write to that folder? Run the "
                    "same command again for what is missing"
                )
        finally:
            scratch.delete()

    def beam_options(self) -> PipelineOptions:
        """Return the options that the job is submitted with."""
        options = {name: value for name, value in self.options.items() if value is not None}
        if self.runner == IN_PROCESS:
            options.setdefault("default_sdk_harness_log_level", "ERROR")
            if self.workers > 1:
                options["direct_num_workers"] = self.workers
                options["direct_running_mode"] = "multi_processing"
        return PipelineOptions.from_dictionary(options)


class _Job:
    """A job under way in a thread: Beam's runners block until theirs is done."""

    def __init__(
        self, engine: BeamEngine, scratch: Scratch, files: list[str], stages: list[str]
    ) -> None:
        self._scratch = scratch
        self._result: PipelineResult | None = None
        self._failure: Exception | None = None
        if engine.runner == IN_PROCESS:
            # It logs a worker's traceback beside raising it.
            logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
            # Its processes are started with -m, which would put the folder they start in on their
            # path: in this repository, `import datasets` would then find our room in place of
            # Hugging Face's package.
            os.environ.setdefault("PYTHONSAFEPATH", "1")
        self._thread = threading.Thread(
            target=self._submit, args=(engine, files, stages), daemon=True
        )
        self._thread.start()

    def results(self) -> Iterator[pa.RecordBatch]:
        """Yield finished batches of rows that did not come before; raises what ended the job."""
        taken: set[str] = set()
        pause_s = FIRST_PAUSE_S
        running = True
        try:
            while running:
                running = self._thread.is_alive()
                found = [name for name in self._scratch.names() if name.startswith(FINISHED)]
                for name in found:
                    (batch,) = batches_of(self._scratch.read(name))
                    self._scratch.remove(name)
                    fresh = fresh_rows(batch, taken)
                    if fresh.num_rows:
                        yield fresh
                pause_s = FIRST_PAUSE_S if found else min(2 * pause_s, LONGEST_PAUSE_S)
                self._thread.join(pause_s)
            if self._failure is not None:
                raise failure_of(self._failure, "the Beam job failed") from self._failure
        finally:
            if running and self._result is not None:
                self._result.cancel()

    def _submit(self, engine: BeamEngine, files: list[str], stages: list[str]) -> None:
        try:
            job = beam.Pipeline(runner=engine.runner, options=engine.beam_options())
            finished = (
                job
                | "plan" >> beam.Create(files)
                | "read" >> beam.ParDo(ReadRequests(self._scratch))
                | "spread" >> beam.Reshuffle()
                | "stages" >> RunPipeline(self._scratch, stages)
            )
            # Not flattened into one: runners would then keep nothing before all is spoken.
            _ = finished.done | "keep" >> beam.ParDo(WriteBatch(self._scratch))
            _ = finished.dead_letters | "bury" >> beam.ParDo(WriteBatch(self._scratch))
            self._result = job.run()
            self._result.wait_until_finish()
        except Exception as error:
            self._failure = error


def fresh_rows(batch: pa.RecordBatch, taken: set[str]) -> pa.RecordBatch:
    """Return the rows of ``batch`` whose request ids are not in ``taken``, and add these to it.

    A repeated bundle may cut the same rows otherwise, where one failed the first time alone.
    """
    ids = batch["request_id"].to_pylist()
    fresh = [each not in taken for each in ids]
    taken.update(ids)
    return batch if all(fresh) else batch.filter(pa.array(fresh))
