"""Which stretch of a recording shows a voice best: laws of the order."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lauter.filters.reference_choice import (
    CLIPPED_AT_MOST,
    LEAST_S,
    MOST_S,
    WEIGHTS,
    Measures,
    Stretch,
    fitness,
    stretches,
)

BEST = Measures(6.0, 0.0, 45.0, 0.0, 0.0, 0.0)


def test_the_best_stretch_is_worth_one_and_a_clipped_one_nothing() -> None:
    assert fitness(BEST) == pytest.approx(1.0)
    assert fitness(replace(BEST, clipped_ratio=CLIPPED_AT_MOST * 1.1)) == 0.0
    assert sum(WEIGHTS.values()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    "worse",
    [
        {"noise_db": 25.0},
        {"cer": 0.1},
        {"duration_s": 3.5},
        {"duration_s": 9.5},
        {"pitch_st": 2.0},
        {"pitch_st": -2.0},
        {"range_octaves": 0.5},
    ],
)
def test_each_measure_counts(worse: dict[str, float]) -> None:
    assert 0.5 < fitness(replace(BEST, **worse)) < fitness(BEST)


def test_what_is_not_known_takes_no_part() -> None:
    assert fitness(Measures(6.0, 0.0)) == pytest.approx(1.0)
    known = replace(BEST, noise_db=10.0)
    assert fitness(replace(known, cer=None)) < fitness(known)


figures = st.floats(-50.0, 80.0)


@given(st.builds(Measures, st.floats(3.0, 10.0), st.just(0.0), figures, figures, figures, figures))
def test_the_worth_is_between_nothing_and_one(measures: Measures) -> None:
    assert 0.0 <= fitness(measures) <= 1.0


@given(st.lists(st.floats(0.05, 4.0), min_size=2, max_size=20))
def test_stretches_begin_and_end_in_pauses(lengths: list[float]) -> None:
    ends = [0.0]
    for length in lengths:
        ends.append(ends[-1] + length)
    spans = list(pairwise(ends))[1::2]
    for stretch in stretches(spans, ends[-1]):
        assert LEAST_S <= stretch.duration_s <= MOST_S
        for edge in (stretch.start_s, stretch.end_s):
            assert not any(start < edge < end for start, end in spans)


def test_every_run_of_spans_is_a_candidate_with_its_margins() -> None:
    found = stretches([(1.0, 3.0), (3.2, 5.0), (8.0, 20.0)], 21.0)
    assert found == [Stretch(0.85, 5.15)]
