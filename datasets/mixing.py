"""Random orders that are the same on every machine and under every version of NumPy.

A seed, an epoch and a place are mixed to 64 bits (the finaliser of splitmix64), and things are
sorted by what comes out. NumPy promises the stream of its generators' bits, but not of its
permutations; a run that is resumed next year must find the order it left.
"""

import numpy as np
from numpy.typing import NDArray

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


def mixed(seed: int, *places: int) -> int:
    """Return 64 bits that depend on ``seed`` and all of ``places``, in their order."""
    state = _finished(np.array([(seed + _GOLDEN) & _MASK], np.uint64))
    for place in places:
        state = _finished(state ^ np.uint64(((place + 1) * _GOLDEN) & _MASK))
    return int(state[0])


def permutation(count: int, key: int) -> NDArray[np.int64]:
    """Return 0…``count``-1 in the random order that belongs to ``key``."""
    with np.errstate(over="ignore"):
        places = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(_GOLDEN)
        drawn = _finished(places + np.uint64(key & _MASK))
    return np.argsort(drawn, kind="stable")


def _finished(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return state ^ (state >> np.uint64(31))
