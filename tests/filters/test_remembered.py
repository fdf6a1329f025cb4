"""What was measured of a reference is measured once, and the oldest is forgotten."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lauter.datasets.audio import Clip
from lauter.filters.remembered import Remembered

CLIPS = [Clip.of(np.full(100, level / 10, np.float32), 16_000) for level in range(5)]


@given(st.lists(st.integers(0, 4), max_size=40), st.integers(1, 5))
def test_a_clip_is_measured_unless_it_is_among_the_last_ones(
    asked: list[int], capacity: int
) -> None:
    measured: list[int] = []

    def measure(clip: Clip) -> int:
        measured.append(round(float(clip.samples[0]) * 10))
        return measured[-1]

    remembered, recent, expected = Remembered(measure, capacity), list[int](), []
    for number in asked:
        # Another object with the same bytes is the same clip.
        assert remembered.of(Clip(bytes(CLIPS[number].encoded))) == number
        if number in recent:
            recent.remove(number)
        else:
            expected.append(number)
        recent = [*recent, number][-capacity:]
    assert measured == expected
