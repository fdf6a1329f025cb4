import pytest
from hypothesis import given
from hypothesis import strategies as st

from lauter.datasets.errors import UsageError
from lauter.teacher.step_audio.hedging import Hedger, Hedging
from lauter.teacher.step_audio.recent import Recent


def recent(*figures: float) -> Recent:
    window = Recent(64)
    for figure in figures:
        window.add(figure)
    return window


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.floats(0.01, 1))
def test_a_quantile_is_a_figure_that_such_a_share_does_not_exceed(
    figures: list[float], share: float
) -> None:
    found = recent(*figures).at(share)
    assert found in figures
    assert sum(figure <= found for figure in figures) >= share * len(figures) - 1e-9
    assert sum(figure < found for figure in figures) < share * len(figures) + 1e-9


def test_only_the_latest_figures_count() -> None:
    window = Recent(3)
    for figure in (100.0, 1.0, 2.0, 3.0):
        window.add(figure)
    assert [len(window), window.at(1.0)] == [3, 3.0]


def hedger(**settings: float) -> Hedger:
    known = Hedger(Hedging(after=2, **settings))  # type: ignore[arg-type]
    for length in (80, 100, 120):
        known.answered(length)
    return known


def test_an_attempt_lags_once_another_server_would_be_half_an_answer_ahead() -> None:
    known = hedger(behind=0.5)
    fair, slow = recent(0.01, 0.02), recent(0.1, 0.1)
    assert known.due_s(0, [fair]) == pytest.approx(0.02 * 50)
    assert known.due_s(400, [fair]) == pytest.approx(0.02 * 450)
    assert known.due_s(0, [slow, fair]) == known.due_s(0, [fair])


@given(st.integers(0, 5000), st.floats(0.001, 0.02))
def test_a_long_answer_at_a_fair_pace_never_lags(received: int, pace_s: float) -> None:
    due_s = hedger().due_s(received, [recent(0.02, 0.02)])
    assert due_s is not None
    assert received * pace_s < due_s


def test_nothing_lags_behind_what_is_not_known() -> None:
    assert hedger().due_s(0, [recent(0.02)]) is None
    assert hedger().due_s(0, []) is None
    assert Hedger(Hedging(after=1)).due_s(0, [recent(0.02)]) is None


@given(st.floats(0, 1), st.lists(st.booleans(), max_size=200))
def test_hedges_are_at_most_their_share_of_requests_and_one(
    share: float, is_hedged: list[bool]
) -> None:
    counted, hedged = Hedger(Hedging(share=share)), 0
    for asked, wants in enumerate(is_hedged, 1):
        counted.asked()
        if wants and counted.may_hedge():
            counted.hedged()
            hedged += 1
        assert hedged <= share * asked + 1


def test_a_share_of_zero_hedges_nothing() -> None:
    counted = Hedger(Hedging(share=0))
    counted.asked()
    assert not counted.may_hedge()


def test_hedging_at_no_quantile_makes_no_sense() -> None:
    with pytest.raises(UsageError, match=r"quantile 1\.5"):
        Hedging(quantile=1.5)
