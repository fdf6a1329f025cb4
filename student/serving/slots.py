"""The keys and values of rows that come and go: one block of memory, aligned at its end.

All rows end at one place, the newest id of each, and begin where their prompts began. Since the
model knows no positions but distances (``attention.py``), a row may join at any time: its prompt is
put before the common end. A row that leaves gives its place to the last one, so that live rows are
always the first, and nothing is computed for empty places. Where the block is full, what lies
before the oldest live id is dropped; where that is little, it grows.

Rows cost as many places as the longest of them has: for speech, whose lengths are of one order,
this wastes less than the tables of a paged cache would cost in kernels of their own.
"""

from typing import Final

from lauter.student.model import KeyValueCache, SpeechModel

_FIRST_PLACES: Final = 512


class Slots:
    """Room for rows of ids that a model is given, ``rows`` at a time."""

    def __init__(self, model: SpeechModel, rows: int) -> None:
        self._block = model.empty_cache(rows, _FIRST_PLACES)
        self._begins: list[int] = []
        self._end = 0

    def __len__(self) -> int:
        """Return how many rows are live."""
        return len(self._begins)

    @property
    def bytes(self) -> int:
        """The memory that is held."""
        block = self._block
        held = (block.keys, block.values, block.segments)
        return sum(tensor.nbytes for tensor in held)

    def join(self, prefilled: KeyValueCache, lengths: list[int]) -> None:
        """Take in the rows of a cache, which end at its ``length`` and are so many ids long."""
        longest = max(lengths)
        if longest > self._end:
            self._grow(longest)
            self._move(longest - self._end)
        for number, length in enumerate(lengths):
            row = len(self._begins)
            here, there = slice(self._end - length, self._end), prefilled.length
            taken = slice(there - length, there)
            self._block.keys[:, row, :, here] = prefilled.keys[:, number, :, taken]
            self._block.values[:, row, :, here] = prefilled.values[:, number, :, taken]
            self._block.segments[row] = 0
            self._block.segments[row, here] = 1
            self._begins.append(self._end - length)

    def leave(self, row: int) -> None:
        """Free a row; the last one takes its number."""
        last = len(self._begins) - 1
        if row != last:
            span = slice(self._begins[last], self._end)
            self._block.keys[:, row, :, span] = self._block.keys[:, last, :, span]
            self._block.values[:, row, :, span] = self._block.values[:, last, :, span]
            self._block.segments[row] = self._block.segments[last]
            self._begins[row] = self._begins[last]
        del self._begins[last]
        if not self._begins:
            self._end = 0

    def next(self) -> KeyValueCache:
        """Return the live rows as a cache with room for one id each, which the model fills."""
        before, held = min(self._begins), self._block.segments.shape[1]
        # Moving costs a copy of all, so only where it lasts.
        if self._end == held and before >= held // 4:
            self._move(-before)
        self._grow(self._end + 1)
        first, count = min(self._begins), len(self._begins)
        block = self._block
        cache = KeyValueCache(
            block.keys[:, :count, :, first : self._end + 1],
            block.values[:, :count, :, first : self._end + 1],
            block.segments[:count, first : self._end + 1],
            self._end - first,
        )
        self._end += 1
        return cache

    def _grow(self, places: int) -> None:
        """See to it that there are so many places."""
        while places > (held := self._block.segments.shape[1]):
            self._block.grow(held // 2)

    def _move(self, places: int) -> None:
        """Move all rows by so many places, to the end (above 0) or to the beginning."""
        if not places:
            return
        first = min(self._begins, default=self._end)
        old, new = slice(first, self._end), slice(first + places, self._end + places)
        if self._begins:
            for tensor in (self._block.keys, self._block.values):
                tensor[..., new, :] = tensor[..., old, :].clone()
            moved = self._block.segments[:, old].clone()
            self._block.segments.zero_()
            self._block.segments[:, new] = moved
        self._begins = [begin + places for begin in self._begins]
        self._end += places
