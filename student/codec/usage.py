"""How much of its books a codec uses."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lauter.datasets.codes import LINGUISTIC_ENTRIES, SEMANTIC_ENTRIES, Codes, deinterleave


@dataclass(frozen=True, slots=True)
class BookUsage:
    """``used`` is the share of entries that came at least once among ``entries`` of them.

    ``perplexity`` is how many equally frequent entries would be as hard to guess: the exponential
    of the entropy in nats. It is bounded by the number of entries seen.
    """

    size: int
    entries: int
    used: float
    perplexity: float


def book_usage(streams: Iterable[Codes]) -> tuple[BookUsage, BookUsage]:
    """Return the usage of the linguistic and of the semantic book over valid streams."""
    counts = [np.zeros(LINGUISTIC_ENTRIES, np.int64), np.zeros(SEMANTIC_ENTRIES, np.int64)]
    for stream in streams:
        for count, entries in zip(counts, deinterleave(stream), strict=True):
            count += np.bincount(entries, minlength=len(count))
    linguistic, semantic = map(_usage, counts)
    return linguistic, semantic


def _usage(counts: NDArray[np.int64]) -> BookUsage:
    total = int(counts.sum())
    shares = counts[counts > 0] / max(1, total)
    perplexity = float(np.exp(-(shares * np.log(shares)).sum())) if total else 0.0
    return BookUsage(len(counts), total, float((counts > 0).mean()), perplexity)
