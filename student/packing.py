"""Which samples share a row of a batch, in which order: pure arithmetic, the same on every rank.

An epoch is a list of **packs**, each as many samples as fit into ``capacity`` ids. It depends on
the data, the seed and the epoch alone: not on how many processes train, nor on how much each of
them takes at once. So a place in training is two numbers, epoch and pack; whoever begins there
trains exactly the rest, with any number of processes.

Each pack takes the oldest waiting sample and then, among a look-ahead of so many, the longest that
still fits (they wait sorted by length). Measured on 6,000 spoken phrases of 92 to 225 ids, with a
look-ahead of 256, what is left of padding is:

============  ========  ================  ============
ids of a row  so        order of arrival  sample a row
512           7.5 %     20.8 %            22.2 %
1024          4.3 %     9.4 %
2048          1.8 %     4.4 %
4096          1.0 %     2.6 %
============  ========  ================  ============
"""

from bisect import bisect_right, insort
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lauter.datasets.mixing import mixed
from lauter.datasets.reading_order import ReadingOrder


class Item(NamedTuple):
    """A sample as it comes in an epoch: its number, and the how-many-th time it is, from 0.

    ``reference`` is the number of the sample that shows its voice before it, where one does.
    """

    sample: int
    copy: int
    reference: int | None = None


Pack = list[Item]


def epoch_order(
    counts: Sequence[int], copies: NDArray[np.int64], seed: int, epoch: int, window: int
) -> list[Item]:
    """Return the samples of an epoch in their order, each as often as ``copies`` says.

    ``counts`` are the samples of each block; blocks are shuffled, and then samples within windows
    of ``window`` neighbours, so that reading stays local. The second copies of a block's samples
    form a block of their own, and so on: a sample's copies lie apart.
    """
    ends = np.cumsum(np.asarray(counts, np.int64))
    blocks, numbers = [], []
    for copy in range(int(copies.max(initial=0))):
        for start, stop in zip(ends - counts, ends, strict=True):
            chosen = np.flatnonzero(copies[start:stop] > copy) + start
            if len(chosen):
                blocks.append(chosen)
                numbers.append(copy)
    order = ReadingOrder([len(block) for block in blocks], mixed(seed, 3), epoch, window)
    return [
        Item(int(blocks[place.shard][place.row]), numbers[place.shard])
        for place in order.places(0, len(order))
    ]


def packed(
    order: Sequence[Item], lengths: Sequence[int], capacity: int, look_ahead: int
) -> list[Pack]:
    """Return the packs of an epoch.

    ``lengths`` are the ids of each item of ``order``; none may have more than ``capacity``.
    """
    coming = zip(order, lengths, strict=True)
    arrived: deque[tuple[int, int, Item]] = deque()  # by age
    waiting: list[tuple[int, int, Item]] = []  # by length
    gone: set[int] = set()
    number = 0
    packs: list[Pack] = []
    while True:
        for item, ids in coming:
            entry = (ids, number, item)
            number += 1
            arrived.append(entry)
            insort(waiting, entry)
            if len(waiting) >= look_ahead:
                break
        if not waiting:
            return packs
        while arrived[0][1] in gone:
            gone.remove(arrived.popleft()[1])
        entry = arrived.popleft()
        del waiting[bisect_right(waiting, entry) - 1]
        pack, left = [entry[2]], capacity - entry[0]
        while place := bisect_right(waiting, left, key=lambda one: one[0]):
            length, arrival, item = waiting.pop(place - 1)
            gone.add(arrival)
            pack.append(item)
            left -= length
        packs.append(pack)
