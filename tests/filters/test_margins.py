"""Margins: 1 as asked, 0 not moved, -1 the other way, whatever the level."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lauter.datasets.tags import Emotion
from lauter.filters.margins import (
    DIRECTIONS,
    SPEED_LEVEL_OCTAVES,
    Movement,
    emotion_margin,
    speed_margin,
)

emotions = st.sampled_from(sorted(DIRECTIONS))
levels = st.integers(1, 5)
speeds = st.integers(-5, 5)
amounts = st.floats(-3.0, 3.0)


def moved(emotion: str, levels: float, speed_level: float = 0.0) -> Movement:
    """What an utterance moves that goes exactly in the emotion's direction."""
    one = DIRECTIONS[emotion]
    return Movement(
        one.pitch_st * levels,
        one.range_octaves * levels,
        one.energy_db * levels,
        (one.rate_octaves or 0.0) * levels + speed_level * SPEED_LEVEL_OCTAVES,
    )


@given(emotions, levels, speeds, amounts)
def test_a_margin_is_the_share_of_the_way_that_was_gone(
    emotion: str, level: int, speed: int, share: float
) -> None:
    found = emotion_margin(moved(emotion, level * share, speed), emotion, level, speed)
    assert found == pytest.approx(share)
    unheard = replace(moved(emotion, level * share), rate_octaves=None)
    assert emotion_margin(unheard, emotion, level, speed) == pytest.approx(share)


@given(emotions, levels)
def test_as_asked_is_1_not_moved_is_0_the_other_way_is_minus_1(emotion: str, level: int) -> None:
    for share in (1, 0, -1):
        found = emotion_margin(moved(emotion, share * level), emotion, level, 0)
        assert found == pytest.approx(share)


@given(emotions, levels, speeds.filter(bool), amounts)
def test_a_speed_margin_leaves_out_what_the_emotion_moves(
    emotion: str, level: int, speed: int, share: float
) -> None:
    found = speed_margin(moved(emotion, level, speed * share), speed, emotion, level)
    assert found == pytest.approx(share)


def test_what_was_not_asked_for_has_no_margin() -> None:
    still = Movement(0.0, 0.0, 0.0, 0.0)
    assert emotion_margin(still, Emotion.NEUTRAL, 0, 0) is None
    assert speed_margin(still, 0, Emotion.JOY, 2) is None
    assert speed_margin(replace(still, rate_octaves=None), 3, Emotion.NEUTRAL, 0) is None


@given(emotions, emotions)
def test_no_two_emotions_are_the_same_direction(one: str, other: str) -> None:
    if one != other:
        assert emotion_margin(moved(one, 1), other, 1, 0) != pytest.approx(1.0, abs=0.01)
