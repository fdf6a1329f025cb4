"""Beam's transforms of a pipeline: batches in, finished batches and dead letters out.

Batches travel as Arrow IPC bytes. The pipeline itself lies in the scratch folder, because a job's
graph must stay small: what each stage carries, such as reference recordings, is megabytes.
"""

import pickle
import threading
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import apache_beam as beam
from apache_beam.utils.shared import Shared

from lauter.datasets.identity import digest
from lauter.pipelines.engines.scratch import Scratch, batches_of, to_bytes
from lauter.pipelines.isolation import dead_letter, open_isolated
from lauter.pipelines.stage import Pipeline

DEAD_LETTERS = "dead_letters"
"""The tag of rows that failed."""
FINISHED = "finished-"
"""With this begin the names of files of finished batches."""

_PIPELINE = "pipeline.pickle"


class ReadRequests(beam.DoFn):
    """Reads files of requests from the scratch folder into batches as Arrow IPC bytes."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch

    def process(self, element: str) -> Iterable[bytes]:
        """Yield the batches of the file of this name."""
        for batch in batches_of(self._scratch.read(element)):
            yield to_bytes(batch)


class RunStage(beam.DoFn):
    """Applies one stage to batches (Arrow IPC bytes in, Arrow IPC bytes out).

    Its models are loaded once in a worker process, whatever the number of its threads and of
    Beam's instances of this class. ``batches_at_once`` of them are served at a time.
    """

    def __init__(self, scratch: Scratch, position: int) -> None:
        self._scratch = scratch
        self._position = position
        self._shared = Shared()
        self._loaded: _Loaded | None = None

    def setup(self) -> None:
        """Take hold of the process's models; the first thread to ask loads them."""
        self._loaded = self._shared.acquire(lambda: _Loaded(self._scratch, self._position))

    def process(
        self, element: bytes
    ) -> Iterable[bytes | beam.pvalue.TaggedOutput[Literal["dead_letters"], bytes]]:
        """Yield the batch with the stage's columns, and under a tag the rows that failed."""
        assert self._loaded is not None
        (batch,) = batches_of(element)
        with self._loaded.turns:
            attempted = self._loaded.stage(batch)
        for failed in attempted.failed:
            letter = to_bytes(dead_letter(failed, self._loaded.pipeline))
            yield beam.pvalue.TaggedOutput(DEAD_LETTERS, letter)
        if attempted.done is not None:
            yield to_bytes(attempted.done)


class WriteBatch(beam.DoFn):
    """Writes finished batches into the scratch folder and yields their numbers of rows."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch

    def process(self, element: bytes) -> Iterable[int]:
        """Write under a name that its request ids decide."""
        (batch,) = batches_of(element)
        name = digest("lauter.bundle.v1", "\n".join(batch["request_id"].to_pylist()))
        self._scratch.write(f"{FINISHED}{name}.arrow", element)
        yield batch.num_rows


class Finished(NamedTuple):
    """Collections of batches of a pipeline's schema: rows that went through, and dead letters."""

    done: beam.PCollection
    dead_letters: beam.PCollection


def put_pipeline(scratch: Scratch, pipeline: Pipeline) -> None:
    """Lay the pipeline down where workers find it."""
    scratch.write(_PIPELINE, pickle.dumps(pipeline))


@beam.ptransform_fn
def RunPipeline(  # noqa: N802
    batches: beam.PCollection, scratch: Scratch, names: Sequence[str]
) -> Finished:
    """Apply the stages of the pipeline that lies in ``scratch``, by their names, to batches."""
    letters = []
    for position, name in enumerate(names):
        outputs = batches | name >> beam.ParDo(RunStage(scratch, position)).with_outputs(
            DEAD_LETTERS, main="done"
        )
        batches = outputs.done
        letters.append(outputs[DEAD_LETTERS])
    return Finished(batches, letters | "dead letters" >> beam.Flatten())


class _Loaded:
    """A stage of the pipeline in ``scratch``, opened in this process.

    A class of its own because ``Shared`` holds its object weakly: whoever uses it keeps it alive.
    """

    def __init__(self, scratch: Scratch, position: int) -> None:
        self.pipeline: Pipeline = pickle.loads(scratch.read(_PIPELINE))
        stage = self.pipeline.stages[position]
        self.turns = threading.BoundedSemaphore(stage.resources.batches_at_once)
        self.stage = open_isolated(stage)
