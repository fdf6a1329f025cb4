"""Isolation: what a stage raises costs the rows that it raises for, and no others.

A batch whose stage raises is tried again row by row, and a row that fails alone becomes a dead
letter with the exception. Three things end the run instead, because they are no row's fault: a
``UsageError`` (what the caller got wrong), models that do not load, and a stage that fails on
each of a worker's first rows. What takes down the whole worker is the engine's to deal with.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import pyarrow as pa

from lauter.datasets.errors import LauterError, UsageError
from lauter.pipelines.dead_letters import dead_letters
from lauter.pipelines.first_rows import FIRST_ROWS
from lauter.pipelines.stage import BatchFunction, Pipeline, Stage


@dataclass(frozen=True)
class Failed:
    """A row as it came to a stage that could not take it, and why."""

    row: pa.RecordBatch
    error: str


@dataclass(frozen=True)
class Attempted:
    """What became of a batch: its rows with the stage's columns, and those that failed."""

    done: pa.RecordBatch | None
    failed: tuple[Failed, ...]


@dataclass
class IsolatedStage:
    """An opened stage that raises for no single row, called with batches of any size."""

    name: str
    function: BatchFunction
    batch_size: int
    rows_done: int = field(default=0, init=False)
    rows_failed: int = field(default=0, init=False)

    def __call__(self, batch: pa.RecordBatch) -> Attempted:
        """Return what the stage made of ``batch``, which it gets in the size that it wants."""
        answers = [
            answer
            for start in range(0, batch.num_rows, self.batch_size)
            for answer in self._try(batch.slice(start, self.batch_size))
        ]
        done = [answer for answer in answers if not isinstance(answer, Failed)]
        return Attempted(
            pa.concat_batches(done) if done else None,
            tuple(answer for answer in answers if isinstance(answer, Failed)),
        )

    def close(self) -> None:
        """Let go of what the stage holds, where it holds any; what goes wrong then is nobody's."""
        let_go = getattr(self.function, "close", None)
        if let_go is not None:
            with suppress(Exception):
                let_go()

    def _try(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch | Failed]:
        try:
            done = self.function(batch)
        except UsageError:
            raise
        except Exception as error:
            if batch.num_rows > 1:
                for row in range(batch.num_rows):
                    yield from self._try(batch.slice(row, 1))
            else:
                yield self._failed(batch, error)
        else:
            self.rows_done += batch.num_rows
            yield done

    def _failed(self, row: pa.RecordBatch, error: Exception) -> Failed:
        said = f"{type(error).__name__}: {error}"
        self.rows_failed += 1
        if not self.rows_done and self.rows_failed >= FIRST_ROWS:
            raise LauterError(
                f"the stage '{self.name}' failed on each of the first {self.rows_failed} rows of a "
                f"worker ({said}); mend what is wrong, and run the same command again"
            ) from error
        return Failed(row, f"the stage '{self.name}' failed: {said}")


def open_isolated(stage: Stage) -> IsolatedStage:
    """Load the stage's models and return it isolated; raises what loading raises."""
    return IsolatedStage(stage.name, stage.open(), stage.resources.batch_size)


def dead_letter(failed: Failed, pipeline: Pipeline) -> pa.RecordBatch:
    """Return the finished row (``pipeline.schema``) of one that failed: its request and why."""
    return dead_letters(
        failed.row, pipeline.schema, failed.error, 1, "failed", source=pipeline.source.names
    )


def open_chain(pipeline: Pipeline) -> BatchFunction:
    """Open every stage and return their composition, in which a row fails alone.

    Of a batch come as many rows of ``pipeline.schema``, the failed ones last.
    """
    stages = [open_isolated(stage) for stage in pipeline.stages]

    def chain(batch: pa.RecordBatch) -> pa.RecordBatch:
        done: pa.RecordBatch | None = batch
        letters: list[pa.RecordBatch] = []
        for stage in stages:
            if done is None:
                break
            attempted = stage(done)
            done = attempted.done
            letters += [dead_letter(failed, pipeline) for failed in attempted.failed]
        if not letters:
            return done
        whole = [] if done is None else [done.cast(pipeline.schema)]
        return pa.concat_batches([*whole, *letters])

    return chain
