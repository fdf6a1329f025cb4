"""Scorers whose figures need no model, for tests of what carries them."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from lauter.datasets.records import described
from lauter.filters.protocol import Sample


class LengthScorer:
    """Counts the characters of the text; fails on texts that say so."""

    name = "length"
    fields = (described("characters", pa.float64(), "Characters of the text"),)

    def fingerprint(self) -> str:
        return "length-1"

    def score(self, samples: Sequence[Sample]) -> Sequence[Mapping[str, Any] | Exception]:
        if any("unscorable" in sample.request.prompt.text for sample in samples):
            raise ValueError("cannot count this")
        return [{"characters": float(len(sample.request.prompt.text))} for sample in samples]


class MeanScorer:
    """Reads what came before it."""

    name = "mean"
    fields = (described("seconds_per_character", pa.float64(), "Pace"),)

    def fingerprint(self) -> str:
        return "mean-1"

    def score(self, samples: Sequence[Sample]) -> Sequence[Mapping[str, Any] | Exception]:
        return [
            {"seconds_per_character": sample.clip.duration_s / sample.scores["characters"]}
            for sample in samples
        ]
