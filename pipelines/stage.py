"""A stage: a small picklable description that opens into a function of Arrow batches.

The description travels to the workers; ``open`` runs once in each and loads the models. Engines
know stages only through this file, and stages know nothing of engines.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from lauter.datasets.errors import LauterError, UsageError

BatchFunction = Callable[[pa.RecordBatch], pa.RecordBatch]
"""Where it has a method ``close``, that lets go of what it holds: connections, cards, threads.

It is called where the worker's process goes on after the run; else all goes with the process."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What one worker of a stage needs, and how many workers there may be.

    A pool has ``concurrency`` workers; with ``max_workers`` it grows up to so many while batches
    wait for it, and shrinks again. A worker holds one set of models and serves
    ``batches_at_once`` with it, in threads: more than one only where the models bear it, as those
    behind a server do. ``custom_resources`` are amounts of what a cluster's nodes declare under
    names of their own, such as ``{"teacher_card": 1}``: a worker goes where they are.

    Workers are placed by Ray. The inline engine has processes of its own and Beam its runner's,
    so both take from here ``batch_size`` alone, and Beam ``batches_at_once``.
    """

    num_cpus: float = 1.0
    num_gpus: float = 0.0
    batch_size: int = 8
    concurrency: int = 1
    max_workers: int | None = None
    batches_at_once: int = 1
    custom_resources: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.max_workers is not None and self.max_workers < self.concurrency:
            raise UsageError(
                f"a pool of {self.concurrency} workers may have at most {self.max_workers}: "
                "set max_workers higher or concurrency lower"
            )


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
        return self.schema_after(len(self.stages))

    def schema_after(self, count: int) -> pa.Schema:
        """Return the schema of rows that have been through the first ``count`` stages."""
        fields = list(self.source)
        for stage in self.stages[:count]:
            renewed = set(stage.adds.names)
            fields = [*(column for column in fields if column.name not in renewed), *stage.adds]
        return pa.schema(fields)

    @property
    def batch_size(self) -> int:
        """How many rows travel together: the largest batch that a stage wants."""
        return max(stage.resources.batch_size for stage in self.stages)
