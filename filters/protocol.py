"""What a scorer is: something that measures speech and adds columns of figures.

To add one, write a class with these members in a file of its own, and a configuration that names
it (orchestration/conf/filters/). A scorer never judges: gates do, from its figures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa

from lauter.datasets.audio import Clip
from lauter.datasets.records import Request


@dataclass(frozen=True, slots=True)
class Sample:
    """One utterance as a scorer sees it.

    ``reference`` is neutral speech of the same speaker, where the corpus has one, and
    ``reference_text`` what it says; ``scores`` are the figures of the scorers that came before.
    """

    request: Request
    clip: Clip
    reference: Clip | None = None
    scores: Mapping[str, Any] = field(default_factory=dict)
    reference_text: str | None = None


class Scorer(Protocol):
    """Measures utterances. Built once per worker; models load in ``__init__`` or on first use."""

    name: str
    fields: Sequence[pa.Field]
    """The columns it adds, made with ``lauter.datasets.records.described``."""

    def fingerprint(self) -> str:
        """Return a digest of what decides its figures: version, weights, settings."""
        ...

    def score(self, samples: Sequence[Sample]) -> Sequence[Mapping[str, Any] | Exception]:
        """Return, in order, each sample's figures by column name, or the exception instead.

        A column left out or None is *not applicable*, never zero.
        """
        ...
