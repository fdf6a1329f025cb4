"""A sample as a loader gives it: encoded audio and what is known of it, decoded on demand."""

import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, Protocol

from lauter.datasets.audio import Clip
from lauter.datasets.errors import UsageError
from lauter.datasets.exported_sample import record_in
from lauter.datasets.identity import digest
from lauter.datasets.marking import unmarked
from lauter.datasets.reading_order import Place


def samples_number(names: Iterable[str]) -> int:
    """Return a number of 60 bits that belongs to these names in this order."""
    return int(digest("lauter.samples.v1", "\n".join(names))[:15], 16)


class SpeechSample:
    """An utterance; ``key`` is its request id, ``flac`` the corpus's audio with its mark."""

    def __init__(self, key: str, flac: bytes, described: bytes | dict[str, Any]) -> None:
        self.key = key
        self.flac = flac
        self._described = described

    @cached_property
    def record(self) -> dict[str, Any]:
        """Text, tags, figures and provenance, as they were exported."""
        if isinstance(self._described, dict):
            return self._described
        try:
            record = record_in(json.loads(self._described))
        except ValueError as error:
            raise UsageError(
                f"the JSON of the sample {self.key} is damaged ({error}); copy its shard again, "
                "or export the corpus again"
            ) from error
        if record is None:
            raise UsageError(
                f"the sample {self.key} has a JSON that `lauter export` did not write; "
                "export the corpus again"
            )
        return record

    @cached_property
    def clip(self) -> Clip:
        """The audio as the corpus has it, unmarked; decoded when its samples are asked for."""
        return Clip(unmarked(self.flac))


class SampleReader(Protocol):
    """Reads samples by their places."""

    def read(self, places: Sequence[Place]) -> list[SpeechSample]:
        """Return the samples that lie at ``places``, in that order."""
        ...

    def close(self) -> None:
        """Give back what is open."""
        ...


class SampleSource(Protocol):
    """Where samples lie; it can be sent to other processes, while each opens its own reader."""

    @property
    def counts(self) -> Sequence[int]:
        """How many samples each shard has."""
        ...

    @property
    def identity(self) -> int:
        """A number that tells these samples, in their order, from any others."""
        ...

    def open(self) -> SampleReader:
        """Open a reader."""
        ...
