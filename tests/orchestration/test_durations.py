"""Lengths of time as people say them."""

import pytest

from lauter.orchestration.durations import length_of_time


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.0, "0 s"), (59.4, "59 s"), (90.0, "1.5 min"), (5400.0, "1.5 h"), (36e6, "10000.0 h")],
)
def test_a_length_is_told_in_its_own_unit(seconds: float, told: str) -> None:
    assert length_of_time(seconds) == told
