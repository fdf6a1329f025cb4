"""The roofline of a large teacher: known figures, and what must hold for any."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lauter.pipelines.scaling.teacher_speed import Card, SpeakingServer

H100 = Card(memory_bytes=80e9, bytes_per_second=3.35e12, flops=989e12)
IDEAL = SpeakingServer(
    H100, cards=4, weights=130e9, bytes_per_weight=2, layers=88, key_value_heads=8, head_size=128
)
"""What bandwidth alone allows, with nothing before the code."""


def test_the_ideal_is_the_known_bound_of_510_card_hours_for_ten_thousand_hours() -> None:
    codes = 10_000 * 150_000
    hours = codes / IDEAL.codes_per_second(64, context=0) * IDEAL.cards / 3600
    assert hours == pytest.approx(510, rel=0.02)


def test_with_few_streams_the_weights_are_read_and_with_many_they_are_multiplied() -> None:
    assert IDEAL.step_seconds(1, 0) == IDEAL.step_seconds(64, 0) == pytest.approx(0.0194, rel=0.01)
    assert IDEAL.step_seconds(1024, 0) == pytest.approx(2 * IDEAL.step_seconds(512, 0))


@given(st.integers(1, 2000), st.integers(1, 2000), st.floats(0, 5000), st.floats(0, 5000))
def test_more_streams_never_write_fewer_codes_and_more_context_never_more(
    streams: int, more: int, context: float, longer: float
) -> None:
    pace = IDEAL.codes_per_second(streams, context)
    assert IDEAL.codes_per_second(streams + more, context) >= pace * (1 - 1e-12)
    assert IDEAL.codes_per_second(streams, context + longer) <= pace


@given(st.floats(0.1, 1), st.floats(0.1, 1), st.floats(0, 1e-4), st.integers(1, 1000))
def test_what_is_reached_is_never_more_than_the_data_sheet(
    bandwidth: float, flops: float, overhead_s: float, streams: int
) -> None:
    real = replace(
        IDEAL, bandwidth_reached=bandwidth, flops_reached=flops, layer_overhead_s=overhead_s
    )
    assert real.codes_per_second(streams, 500) <= IDEAL.codes_per_second(streams, 500)


def test_streams_are_limited_by_the_memory_beside_the_weights() -> None:
    most = IDEAL.most_streams(1000)
    assert pytest.approx(most, abs=1) == 60e9 / (1000 * 360_448)
    assert replace(IDEAL, cards=3).most_streams(1000) == 0
