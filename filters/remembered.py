"""What was measured of a reference is kept: one recording serves thousands of utterances."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from lauter.datasets.audio import Clip

Figure = TypeVar("Figure")


class Remembered(Generic[Figure]):
    """A measure of clips that remembers its answers for the ``capacity`` clips asked for last.

    A clip is known by its bytes.
    """

    def __init__(self, measure: Callable[[Clip], Figure], capacity: int) -> None:
        self._measure = measure
        self._capacity = capacity
        self._known: OrderedDict[bytes, Figure] = OrderedDict()

    def of(self, clip: Clip) -> Figure:
        """Return the measure of ``clip``."""
        key = hashlib.blake2b(clip.encoded, digest_size=16).digest()
        if key not in self._known:
            self._known[key] = self._measure(clip)
            if len(self._known) > self._capacity:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]
