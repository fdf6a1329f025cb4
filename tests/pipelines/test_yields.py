"""A cell's yield is learned, and how sure it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lauter.pipelines.yields import Yield, pooled


@given(st.integers(0, 500), st.integers(0, 500), st.floats(0, 1))
def test_a_yield_lies_within_its_interval_which_lies_within_0_and_1(
    accepted: int, rejected: int, prior: float
) -> None:
    share = Yield(accepted, accepted + rejected, prior)
    low, high = share.interval(0.98)
    assert 0 <= low < high <= 1
    assert 0 < share.mean < 1
    assert low <= share.bound(0.5) <= high


def test_a_cell_of_which_nothing_is_known_is_like_the_others() -> None:
    assert Yield(prior=0.8).mean == pytest.approx(0.8)
    assert Yield(0, 40, prior=0.8).mean < 0.05


@given(st.integers(1, 50))
def test_more_requests_make_surer(times: int) -> None:
    few, many = Yield(3, 6), Yield(3 * times + 3, 6 * times + 6)
    width = [high - low for low, high in (few.interval(), many.interval())]
    assert width[1] < width[0]


def test_cells_are_pooled_by_their_requests() -> None:
    assert pooled([(9, 10), (0, 88)]) == pytest.approx(0.1)
    assert pooled([]) == 0.5
