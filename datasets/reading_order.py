"""In which order an epoch's samples are read, and which rank reads which: pure arithmetic.

One order is drawn for the whole epoch from the seed alone: shards are shuffled, their samples laid
end to end, and within each window of so many neighbours shuffled again. Ranks take turns along it,
a batch each. So how far an epoch has come is one number, which is the same on all ranks and holds
for any number of ranks and workers: whoever begins there reads exactly the rest.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lauter.datasets.mixing import mixed, permutation


class Place(NamedTuple):
    """Where a sample lies: the number of its shard, and its number in it."""

    shard: int
    row: int


@dataclass(frozen=True, slots=True)
class Span:
    """One rank's batch: samples ``start`` to ``stop`` of the epoch's order.

    ``after`` is how far all ranks together have come when each has taken its batch.
    """

    start: int
    stop: int
    after: int


def spans(position: int, total: int, batch_size: int, rank: int, world: int) -> Iterator[Span]:
    """Yield the batches of one rank from ``position`` to the epoch's end at ``total``.

    All ranks have equally many batches, so that none waits for the others in vain: the last rounds
    are shared out evenly. A batch is empty only where fewer samples than ranks are left at
    ``position``, or at the end of an epoch with a ``batch_size`` of 1; rank 0's never is.
    """
    while position < total:
        left = total - position
        size = min(batch_size * world, left)
        if batch_size > 1 and size < left < size + world:
            size = left - left // 2  # what is left has no sample for each rank: share out both
        start, stop = (position - (-size * turn // world) for turn in (rank, rank + 1))
        position += size
        yield Span(start, stop, position)


class ReadingOrder:
    """The order of one epoch over shards with ``counts`` samples each.

    ``window`` is the number of neighbours that are shuffled among themselves; without ``shuffled``
    everything is read as it lies.
    """

    def __init__(
        self, counts: Sequence[int], seed: int, epoch: int, window: int, *, shuffled: bool = True
    ) -> None:
        self._key = mixed(seed, epoch)
        self._window = window
        self._shuffled = shuffled
        shards = np.arange(len(counts))
        self._shards = permutation(len(counts), mixed(self._key, 0)) if shuffled else shards
        self._ends = np.cumsum(np.asarray(counts, np.int64)[self._shards])
        # Neighbouring batches lie in the same window or in two.
        self._window_order = lru_cache(maxsize=4)(self._draw_window)

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def places(self, start: int, stop: int) -> list[Place]:
        """Return where samples ``start`` to ``stop`` of the order lie."""
        along = np.arange(start, stop)
        if self._shuffled:
            windows = along // self._window
            along = np.concatenate(
                [
                    self._window_order(int(window))[along[windows == window] % self._window]
                    for window in np.unique(windows)
                ]
                or [along]
            )
        turns = np.searchsorted(self._ends, along, side="right")
        rows = along - np.where(turns > 0, self._ends[turns - 1], 0)
        return [
            Place(shard, row)
            for shard, row in zip(self._shards[turns].tolist(), rows.tolist(), strict=True)
        ]

    def _draw_window(self, window: int) -> NDArray[np.int64]:
        first = window * self._window
        size = min(self._window, len(self) - first)
        return first + permutation(size, mixed(self._key, 1, window))
