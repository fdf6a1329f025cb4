from hypothesis import given
from hypothesis import strategies as st

from lauter.teacher.step_audio.rate import Bucket

RATES = st.floats(0.1, 1000)
ASKED = st.lists(st.tuples(st.floats(0, 5), st.floats(0, 50)), max_size=30)


@given(RATES, ASKED)
def test_no_more_is_taken_than_flows_in_but_for_a_second_and_the_dearest(
    rate: float, asked: list[tuple[float, float]]
) -> None:
    bucket, now, taken = Bucket(rate, rate, 0.0), 0.0, 0.0
    for pause, amount in asked:
        now = max(now + pause, bucket.ready_at)
        bucket = bucket.taken(amount, now)
        taken += amount
    dearest = max((amount for _, amount in asked), default=0.0)
    assert taken <= rate * (now + 1.0) + dearest + 1e-6 * (1 + taken)


@given(RATES, st.floats(0, 1000), st.floats(0, 1000))
def test_whoever_waits_until_it_is_ready_finds_no_debt(
    rate: float, amount: float, begun: float
) -> None:
    bucket = Bucket(rate, rate, begun).taken(amount, begun)
    assert bucket.taken(0.0, bucket.ready_at).level >= -1e-6 * rate * (1 + bucket.ready_at)


@given(RATES, st.floats(0, 100))
def test_what_is_given_back_was_never_taken(rate: float, amount: float) -> None:
    bucket = Bucket(rate, rate, 0.0)
    assert abs(bucket.taken(amount, 0.0).taken(-amount, 0.0).level - rate) <= 1e-9 * (rate + amount)


@given(RATES, st.floats(0, 1e6))
def test_it_never_holds_more_than_one_second_gives(rate: float, later: float) -> None:
    assert Bucket(rate, rate, 0.0).taken(-rate, later).level <= rate
