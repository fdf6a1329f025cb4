"""The importing stage: the peer of speaking, for speech that was made elsewhere.

Rows come as requests with the place of their sound (``PLANNED_SCHEMA``), so an engine's workers
fetch, decode and encode it, and what they score right after need not be decoded again. A sound
that cannot be used becomes a row with an error. A source whose sounds are no files of speech yet
(songs) brings a stage of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import pyarrow as pa

from lauter.datasets.imports import IMPORTED_SPEECH_SCHEMA, Origin, Source, speech_of
from lauter.pipelines.stage import BatchFunction, Resources, Stage


@runtime_checkable
class TakesItselfIn(Protocol):
    """A source that knows how the sounds that it describes are fetched."""

    def taking_in(self, resources: Resources) -> Stage:
        """Return the stage that adds ``IMPORTED_SPEECH_SCHEMA``; raises where it cannot work."""
        ...


def taking_in(source: Source, threads: int, resources: Resources) -> Stage:
    """Return the stage that fetches a source's sounds: its own, or ``TakeIn``."""
    if isinstance(source, TakesItselfIn):
        return source.taking_in(resources)
    return TakeIn(source.origin, threads, resources)


@dataclass(frozen=True)
class TakeIn:
    """Adds ``IMPORTED_SPEECH_SCHEMA`` to planned imports.

    ``threads`` decode and encode at a time in one worker.
    """

    origin: Origin = field(default_factory=Origin)
    threads: int = 1
    resources: Resources = field(default_factory=lambda: Resources(batch_size=64))
    name: str = "import"

    @property
    def reads(self) -> Sequence[str]:
        """Where the speech lies."""
        return ("recording",)

    @property
    def adds(self) -> pa.Schema:
        """Audio, or the error that came instead, and the transcript that came along."""
        return IMPORTED_SPEECH_SCHEMA

    def open(self) -> BatchFunction:
        """Return the function that takes batches in; nothing need be loaded."""

        def take_in(batch: pa.RecordBatch) -> pa.RecordBatch:
            speech = speech_of(batch, origin=self.origin, threads=self.threads)
            return pa.RecordBatch.from_arrays(
                [*batch.columns, *speech.columns],
                schema=pa.schema([*batch.schema, *IMPORTED_SPEECH_SCHEMA]),
            )

        return take_in
