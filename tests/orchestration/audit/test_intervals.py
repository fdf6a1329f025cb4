"""How sure a share is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from lauter.orchestration.audit.intervals import Share, wilson


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_is_scipys(counts: tuple[int, int]) -> None:
    theirs = binomtest(*counts).proportion_ci(0.95, "wilson")
    assert wilson(*counts) == pytest.approx((theirs.low, theirs.high), abs=1e-6)


def test_of_nothing_nothing_is_known() -> None:
    assert Share(0, 0).rate == 0.0 and Share(0, 0).interval == (0.0, 1.0)
    low, high = Share(3, 3).interval
    assert 0.4 < low < 0.5 and high == 1.0
