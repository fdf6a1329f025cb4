"""Near doubles among voices, by how much is heard of each."""

import numpy as np
from numpy.typing import NDArray

from lauter.filters.near_voices import BOUNDS, near_voices


def at(cosine: float) -> NDArray[np.float32]:
    return np.array([cosine, np.sqrt(1 - cosine**2)], np.float32)


SOMEBODY = np.array([1.0, 0.0], np.float32)


def test_the_bound_rises_with_what_is_heard() -> None:
    for fewer, (count, bound) in zip((4, 2, 1), BOUNDS, strict=True):
        for cosine, found in ((bound + 0.01, 1), (bound - 0.01, 0)):
            voices = {"a": [SOMEBODY] * 8, "b": [at(cosine)] * fewer}
            pairs = near_voices(voices)
            assert len(pairs) == found, (count, cosine)
            assert all(pair.bound == bound for pair in pairs)


def test_the_nearest_come_first_and_voices_without_recordings_are_nobodys_doubles() -> None:
    pairs = near_voices({"a": [SOMEBODY], "b": [at(0.8)], "c": [at(0.95)], "d": []})
    assert [(pair.first, pair.second) for pair in pairs] == [("a", "c"), ("b", "c"), ("a", "b")]
    assert pairs[1].cosine > pairs[2].cosine
