"""The Beam engine: the pipeline as Beam transforms, for Dataflow, Flink, Spark, or in process.

Beam has no way to hand rows back to the program that submits a pipeline, so the last transform
writes each finished batch as one Arrow file into a scratch folder (a file appears there whole or
not at all), and the driver reads the files as they appear. A bundle that a runner repeats gives
the same file name again, and what was read once is not read twice. A worker that dies is the
runner's to replace: a row that kills it each time ends the job.
"""

import logging
import shutil
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import apache_beam as beam
import pyarrow as pa
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.utils.shared import Shared

from lauter.datasets.identity import digest
from lauter.pipelines.engines.failures import failure_of
from lauter.pipelines.stage import BatchFunction, Pipeline, Stage, open_stage

POLL_S = 0.05


class RunStage(beam.DoFn):
    """Applies one stage to batches (Arrow IPC bytes in, Arrow IPC bytes out).

    The opened stage is shared by the threads of a worker process.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._shared = Shared()
        self._function: BatchFunction | None = None

    def setup(self) -> None:
        """Load the stage's models, once per process."""
        self._function = self._shared.acquire(lambda: _Opened(self._stage)).function

    def process(self, element: bytes) -> Iterable[bytes]:
        """Yield the batch with the stage's columns."""
        assert self._function is not None
        yield to_bytes(self._function(from_bytes(element)))


class WriteBatch(beam.DoFn):
    """Writes each batch into the scratch folder and yields its number of rows."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def process(self, element: bytes) -> Iterable[int]:
        """Write under a name that its request ids decide, then rename into place."""
        batch = from_bytes(element)
        name = digest("lauter.bundle.v1", "\n".join(batch["request_id"].to_pylist()))
        hidden = Path(self._folder) / f".{name}.{threading.get_ident()}"
        hidden.write_bytes(element)
        hidden.rename(Path(self._folder) / f"{name}.arrow")
        yield batch.num_rows


@beam.ptransform_fn
def RunPipeline(batches: beam.PCollection, pipeline: Pipeline) -> beam.PCollection:  # noqa: N802
    """Apply every stage of ``pipeline`` to a collection of batches as Arrow IPC bytes."""
    for stage in pipeline.stages:
        batches = batches | stage.name >> beam.ParDo(RunStage(stage)).with_output_types(bytes)
    return batches


@dataclass(frozen=True)
class BeamEngine:
    """Runs pipelines on Beam.

    ``runner`` is named outright: left to itself, Beam's direct runner may try to download another
    one. ``options`` are Beam's own flags. ``workers`` is for the in-process runner.
    """

    runner: str = "FnApiRunner"
    options: tuple[str, ...] = ()
    workers: int = 1
    scratch_folder: str | None = None
    name: str = "beam"

    def run(self, pipeline: Pipeline, rows: pa.Table) -> Iterator[pa.RecordBatch]:
        """Yield finished batches; see ``Engine.run``."""
        whole = rows.combine_chunks()
        batches = [to_bytes(b) for b in whole.to_batches(max_chunksize=pipeline.batch_size)]
        scratch = Path(tempfile.mkdtemp(prefix="lauter-beam-", dir=self.scratch_folder))
        failures: list[Exception] = []
        if self.runner == "FnApiRunner":
            # It logs a worker's traceback beside raising it.
            logging.getLogger("apache_beam").setLevel(logging.CRITICAL)

        def submit() -> None:
            try:
                with beam.Pipeline(runner=self.runner, options=self._options()) as job:
                    finished = (
                        job
                        | "plan" >> beam.Create(batches)
                        | "spread" >> beam.Reshuffle()
                        | "stages" >> RunPipeline(pipeline)
                    )
                    _ = finished | "keep" >> beam.ParDo(WriteBatch(str(scratch)))
            except Exception as error:
                failures.append(error)

        job = threading.Thread(target=submit, daemon=True)
        job.start()
        try:
            running = True
            given: set[str] = set()
            while running:
                running = job.is_alive()
                for file in sorted(scratch.glob("*.arrow")):
                    if file.name not in given:
                        given.add(file.name)
                        yield from_bytes(file.read_bytes())
                    file.unlink()
                if running:
                    time.sleep(POLL_S)
            if failures:
                raise failure_of(failures[0], "the Beam job failed") from failures[0]
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _options(self) -> PipelineOptions:
        flags = list(self.options)
        if self.runner == "FnApiRunner" and self.workers > 1:
            flags += [
                f"--direct_num_workers={self.workers}",
                "--direct_running_mode=multi_processing",
            ]
        return PipelineOptions(flags, save_main_session=False)


class _Opened:
    """An opened stage, in a class because ``Shared`` keeps weak references."""

    def __init__(self, stage: Stage) -> None:
        self.function = open_stage(stage)


def to_bytes(batch: pa.RecordBatch) -> bytes:
    """Return a batch as an Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    encoded: bytes = sink.getvalue().to_pybytes()
    return encoded


def from_bytes(encoded: bytes) -> pa.RecordBatch:
    """Return the batch of an Arrow IPC stream that holds just one."""
    return pa.ipc.open_stream(encoded).read_next_batch()
