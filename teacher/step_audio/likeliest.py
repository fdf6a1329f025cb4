"""Log-probabilities that came with an answer, in the format in which they are cached."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from lauter.datasets.codes import (
    CODES,
    GROUP,
    LINGUISTIC_ENTRIES,
    LINGUISTIC_PER_GROUP,
)
from lauter.datasets.layout import END, Vocabulary
from lauter.datasets.top_logits import END_ENTRY, MOST_NAMED, TopLogits, compress

_BEHIND: Final = -1


def cached_logits(top: Sequence[Mapping[int, float]], vocabulary: Vocabulary) -> bytes:
    """Return the likeliest ids of each place of a stream and its end as ``top_logits``.

    ``top`` has a mapping from ids to natural log-probabilities for each code and the end behind
    them. Ids that cannot stand in their slot fall to the tail, with all that was not named.
    """
    places = [_place(ids, number % GROUP, vocabulary) for number, ids in enumerate(top)]
    width = max(map(len, places), default=0)
    entries = np.full((len(places), width), _BEHIND, np.int16)
    logs = np.full((len(places), width), -np.inf, np.float32)
    for row, place in enumerate(places):
        for column, (entry, log) in enumerate(place):
            entries[row, column] = entry
            logs[row, column] = log
    named = np.exp(logs.astype(np.float64)).sum(1)
    return compress(TopLogits(entries, logs, np.clip(1 - named, 0, 1).astype(np.float32)))


def _place(ids: Mapping[int, float], slot: int, vocabulary: Vocabulary) -> list[tuple[int, float]]:
    """Return the entries that a slot can have, likeliest first."""
    found = [
        (entry, log)
        for one, log in ids.items()
        if (entry := _entry(one, slot, vocabulary)) is not None
    ]
    return sorted(found, key=lambda one: (-one[1], one[0]))[:MOST_NAMED]


def _entry(one: int, slot: int, vocabulary: Vocabulary) -> int | None:
    if one == END:
        return END_ENTRY if slot == 0 else None
    code = one - vocabulary.text_size
    if not 0 <= code < CODES or (code < LINGUISTIC_ENTRIES) != (slot < LINGUISTIC_PER_GROUP):
        return None
    return code if code < LINGUISTIC_ENTRIES else code - LINGUISTIC_ENTRIES
