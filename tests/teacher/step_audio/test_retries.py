from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lauter.datasets.errors import UsageError
from lauter.teacher.step_audio.retries import Retries, retry_after_s

LOTS = st.floats(0, 1, exclude_max=True)


@given(st.integers(1, 10_000), LOTS, st.floats(0, 10), st.floats(0, 100))
def test_a_wait_is_below_its_bound_whatever_failed(
    failures: int, lot: float, base_s: float, longest_s: float
) -> None:
    waited = Retries(3, base_s, longest_s).wait_s(failures, lot)
    assert 0 <= waited <= longest_s
    assert waited <= base_s * 2.0 ** min(failures - 1, 100)


@given(st.integers(1, 40))
def test_lots_spread_waits_over_all_of_the_time(failures: int) -> None:
    retries = Retries(3, 0.5, 1e12)
    bound = 0.5 * 2.0 ** (failures - 1)
    waits = [retries.wait_s(failures, lot / 4) for lot in range(4)]
    assert waits == [0, bound / 4, bound / 2, bound * 3 / 4]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("3", 3.0),
        ("0.25", 0.25),
        ("-5", 0.0),
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30.0),
        ("Wed, 21 Oct 2026 07:28:30 -0000", 30.0),
        ("Wed, 21 Oct 2026 07:00:00 GMT", 0.0),
        ("soon", None),
        ("inf", None),
        ("nan", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_nonsense_is_passed_over(
    header: str | None, seconds: float | None
) -> None:
    assert retry_after_s(header, datetime(2026, 10, 21, 7, 28, tzinfo=UTC)) == seconds


@given(st.text(max_size=40))
def test_no_header_makes_it_stumble(header: str) -> None:
    waited = retry_after_s(header)
    assert waited is None or 0 <= waited < float("inf")


def test_no_attempt_at_all_makes_no_sense() -> None:
    with pytest.raises(UsageError, match="0 attempts"):
        Retries(attempts=0)
