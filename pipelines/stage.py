"""A stage: a small picklable description that opens into a function of Arrow batches.

The description travels to the workers; ``open`` runs once in each and loads the models. Engines
know stages only through this file, and stages know nothing of engines.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from lauter.datasets.errors import LauterError

BatchFunction = Callable[[pa.RecordBatch], pa.RecordBatch]


@dataclass(frozen=True, slots=True)
class Resources:
    """What one worker of a stage needs, and how many workers there may be."""

    num_cpus: float = 1.0
    num_gpus: float = 0.0
    batch_size: int = 8
    concurrency: int = 1


class Stage(Protocol):
    """Adds columns to a batch of rows; never drops, doubles or reorders a row."""

    @property
    def name(self) -> str:
        """A short name for logs and timings."""
        ...

    @property
    def resources(self) -> Resources:
        """What a worker of this stage needs."""
        ...

    @property
    def reads(self) -> Sequence[str]:
        """Columns that must be there."""
        ...

    @property
    def adds(self) -> pa.Schema:
        """Columns that it appends, in order; one of a name that is there already replaces it."""
        ...

    def open(self) -> BatchFunction:
        """Load what is needed and return the function; called once per worker."""
        ...


@dataclass(frozen=True)
class Pipeline:
    """A list of stages whose columns fit together."""

    source: pa.Schema
    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        available = set(self.source.names)
        for stage in self.stages:
            missing = [column for column in stage.reads if column not in available]
            if missing:
                raise LauterError(
                    f"stage '{stage.name}' reads {', '.join(missing)}, "
                    "which no stage before it adds"
                )
            available.update(stage.adds.names)

    @property
    def schema(self) -> pa.Schema:
        """The schema of finished rows."""
        fields = list(self.source)
        for stage in self.stages:
            renewed = set(stage.adds.names)
            fields = [*(field for field in fields if field.name not in renewed), *stage.adds]
        return pa.schema(fields)

    @property
    def batch_size(self) -> int:
        """How many rows travel together: the largest batch that a stage wants."""
        return max(stage.resources.batch_size for stage in self.stages)

    def open(self) -> BatchFunction:
        """Open every stage and return their composition."""
        functions = [open_stage(stage) for stage in self.stages]

        def chain(batch: pa.RecordBatch) -> pa.RecordBatch:
            for function in functions:
                batch = function(batch)
            return batch

        return chain


def open_stage(stage: Stage) -> BatchFunction:
    """Open a stage and return its function, which cuts larger batches to the size it wants."""
    function, size = stage.open(), stage.resources.batch_size

    def in_pieces(batch: pa.RecordBatch) -> pa.RecordBatch:
        if batch.num_rows <= size:
            return function(batch)
        starts = range(0, batch.num_rows, size)
        return pa.concat_batches([function(batch.slice(start, size)) for start in starts])

    return in_pieces
