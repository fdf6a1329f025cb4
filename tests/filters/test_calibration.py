"""Calibration: thresholds have the precision that was asked for, and say what they cost."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lauter.datasets.errors import UsageError
from lauter.filters.calibration import Keep, calibrate, fit_threshold

LABELLED = st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=30)


@given(LABELLED, st.sampled_from(Keep), st.sampled_from([0.5, 0.8, 1.0]))
def test_the_threshold_is_the_loosest_that_is_precise_enough(
    labelled: list[tuple[int, bool]], keep: Keep, precision: float
) -> None:
    figures = np.array([figure for figure, _ in labelled], dtype=np.float64)
    good = np.array([label for _, label in labelled])

    def precise(threshold: float) -> bool:
        passes = figures <= threshold if keep is Keep.AT_MOST else figures >= threshold
        return bool(good[passes].mean() >= precision)

    enough = [figure for figure in set(figures) if precise(figure)]
    loosest = (max if keep is Keep.AT_MOST else min)(enough) if enough else None
    assert fit_threshold(figures, good, keep=keep, precision=precision) == loosest


@given(LABELLED)
def test_at_least_is_at_most_of_the_negative(labelled: list[tuple[int, bool]]) -> None:
    figures = np.array([figure for figure, _ in labelled], dtype=np.float64)
    good = np.array([label for _, label in labelled])
    assume(fit_threshold(figures, good, keep=Keep.AT_MOST, precision=0.7) is not None)
    one = calibrate(figures, good, keep="at_most", precision=0.7, draws=5)
    other = calibrate(-figures, good, keep="at_least", precision=0.7, draws=5)
    assert other.threshold.value == -one.threshold.value
    assert other.overall.kept == one.overall.kept


def noisy(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Good speech has low error rates; in `zh` the recogniser adds 0.1 to all."""
    chance = np.random.default_rng(seed)
    good = chance.random(rows) < 0.7
    language = np.where(chance.random(rows) < 0.5, "en", "zh")
    figures = np.where(good, 0.05, 0.3) + chance.normal(0, 0.08, rows) + 0.1 * (language == "zh")
    return figures, good, language.tolist()


def test_the_slice_that_pays_for_a_common_threshold_is_seen() -> None:
    figures, good, language = noisy(2000)
    found = calibrate(
        figures, good, keep="at_most", precision=0.95, tags={"language": language}, draws=200
    )
    english, mandarin = found.slices
    assert (english.tag, mandarin.tag) == ("language=en", "language=zh")
    assert english.rows + mandarin.rows == found.overall.rows == 2000
    assert english.kept + mandarin.kept == found.overall.kept == found.passes(figures).sum()
    assert found.overall.precision.value >= 0.95
    assert mandarin.good_kept.high < english.good_kept.low


def test_the_interval_holds_the_threshold_that_many_labels_give() -> None:
    truth = calibrate(*noisy(50_000, seed=1)[:2], keep="at_most", precision=0.9, draws=1)
    found = calibrate(*noisy(400, seed=2)[:2], keep="at_most", precision=0.9)
    assert found.threshold.low < truth.threshold.value < found.threshold.high
    fewer = calibrate(*noisy(100, seed=2)[:2], keep="at_most", precision=0.9)
    width = found.threshold.high - found.threshold.low
    assert fewer.threshold.high - fewer.threshold.low > width


def test_the_same_labels_and_seed_give_the_same_intervals() -> None:
    figures, good, _ = noisy(100)
    one, other = (
        calibrate(figures, good, keep="at_most", precision=0.9, draws=50) for _ in range(2)
    )
    assert one == other
    assert one != calibrate(figures, good, keep="at_most", precision=0.9, draws=50, seed=1)


def test_rows_without_a_figure_are_left_out() -> None:
    figures = np.array([0.0, math.nan, 1.0])
    found = calibrate(figures, np.array([True, False, False]), keep="at_most", precision=1, draws=9)
    assert found.threshold.value == 0.0
    assert found.overall.rows == 2
    assert found.passes(figures).tolist() == [True, False, False]


def test_a_slice_without_good_rows_says_nothing_of_them() -> None:
    found = calibrate(
        np.array([0.0, 0.1, 1.0]),
        np.array([True, True, False]),
        keep="at_most",
        precision=1,
        tags={"style": ["plain", "plain", "rap"]},
        draws=20,
    )
    rap = found.slices[1]
    assert math.isnan(rap.good_kept.value)
    assert math.isnan(rap.precision.low)


@pytest.mark.parametrize(
    ("figures", "good", "precision", "sentence"),
    [
        ([0.1], [True, False], 0.9, "1 figures and 2 of labels"),
        ([0.1], [True], 1.5, "1.5 is no share"),
        ([0.1], [False], 0.9, "no utterance with a figure is labelled good"),
        ([0.1, 0.2], [False, True], 0.9, "the best is 0.500"),
    ],
)
def test_what_cannot_be_fitted_is_said(
    figures: list[float], good: list[bool], precision: float, sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        calibrate(np.array(figures), np.array(good), keep="at_most", precision=precision)
