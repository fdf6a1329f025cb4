"""Weights and temperature set the share of each cell; lots are drawn from the seed alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lauter.datasets.errors import UsageError
from lauter.student.examples import Cell
from lauter.student.mixture import Mixture, copies, repeats

CELLS = [Cell("en", "en-US", "neutral"), Cell("en", "en-GB", "joy"), Cell("zh", "yue", "joy")]
COUNTS = [900, 90, 10]


def shares(mixture: Mixture) -> list[float]:
    often = repeats(mixture, CELLS, COUNTS) * np.asarray(COUNTS)
    return (often / often.sum()).tolist()


def test_left_alone_each_sample_comes_once() -> None:
    assert repeats(Mixture(), CELLS, COUNTS) == pytest.approx([1, 1, 1])


def test_a_temperature_of_two_takes_the_root_of_the_shares() -> None:
    roots = np.sqrt(COUNTS)
    mixture = Mixture(temperature=2, most_repeats=1e9)
    assert shares(mixture) == pytest.approx((roots / roots.sum()).tolist())


def test_a_great_temperature_gives_all_cells_the_same() -> None:
    assert shares(Mixture(temperature=1e9, most_repeats=1e9)) == pytest.approx([1 / 3] * 3)


def test_weights_of_all_words_that_fit_multiply() -> None:
    weighed = np.asarray([1, 2, 2 * 3]) * COUNTS
    mixture = Mixture({"joy": 2, "zh/yue": 3})
    assert shares(mixture) == pytest.approx((weighed / weighed.sum()).tolist())


def test_a_weight_of_nothing_leaves_a_cell_out() -> None:
    assert repeats(Mixture({"zh": 0}), CELLS, COUNTS)[2] == 0


def test_nothing_comes_more_often_than_allowed() -> None:
    assert repeats(Mixture(temperature=1e9, most_repeats=4), CELLS, COUNTS).max() == 4


@given(average=st.floats(0, 3), seed=st.integers(0, 9), epoch=st.integers(0, 9))
def test_a_sample_comes_the_whole_number_of_times_below_or_above(
    average: float, seed: int, epoch: int
) -> None:
    cell_of = np.zeros(400, np.int32)
    drawn = copies(np.asarray([average]), cell_of, seed, epoch)
    assert set(drawn.tolist()) <= {int(average + 1e-9), int(average + 1e-9) + 1}
    assert abs(drawn.mean() - average) < 0.12
    assert (drawn == copies(np.asarray([average]), cell_of, seed, epoch)).all()


@pytest.mark.parametrize(
    ("mixture", "told"),
    [
        (Mixture({"ja": 2}), "names 'ja', of which there is no speech; there is en, en-GB"),
        (Mixture({"en": 0, "zh": 0}), "are 0 for all speech"),
    ],
)
def test_weights_that_make_no_mixture_are_refused(mixture: Mixture, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        repeats(mixture, CELLS, COUNTS)


def test_figures_that_make_no_mixture_are_refused() -> None:
    with pytest.raises(UsageError, match="temperature 0"):
        Mixture(temperature=0)
    with pytest.raises(UsageError, match="the weight -1"):
        Mixture({"en": -1})
