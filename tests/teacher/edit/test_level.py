"""Levels: what is measured, where speech is set, and what happens to peaks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spoken_sentences import spoken_sentences

from lauter.teacher.edit.level import (
    BASE_DBFS,
    CEILING,
    SILENCE_DBFS,
    active_level,
    base_level,
    softly_limited,
)

RATE = 24_000


@settings(deadline=None)
@given(gain_db=st.floats(-60, 20))
def test_a_gain_moves_the_level_by_itself(gain_db: float) -> None:
    speech = spoken_sentences()[0].samples.astype(np.float64)
    louder = speech * 10 ** (gain_db / 20)
    moved_db = active_level(louder, RATE) - active_level(speech, RATE)
    assert moved_db == pytest.approx(gain_db, abs=1e-6)


def test_pauses_do_not_count() -> None:
    speech = spoken_sentences()[0].samples
    paused = np.concatenate([speech, np.zeros(len(speech), np.float32)])
    assert active_level(paused, RATE) == pytest.approx(active_level(speech, RATE), abs=1.0)


@pytest.mark.parametrize("gain", [0.01, 0.3, 1.0])
def test_speech_of_any_loudness_comes_to_the_base_level(gain: float) -> None:
    speech = spoken_sentences()[3].samples * np.float32(gain)
    assert active_level(base_level(speech, RATE), RATE) == pytest.approx(BASE_DBFS, abs=0.01)


def test_silence_stays_silence() -> None:
    silence = np.zeros(RATE, np.float32)
    assert active_level(silence, RATE) == SILENCE_DBFS
    assert base_level(silence, RATE) is silence


def test_neutral_speech_at_the_base_level_leaves_anger_its_room() -> None:
    peaks = [np.abs(spoken.samples).max() for spoken in spoken_sentences()]
    assert max(peaks) < CEILING


def test_what_lies_below_the_ceiling_is_not_touched() -> None:
    quiet = np.linspace(-CEILING, CEILING, 1001, dtype=np.float32) * np.float32(0.999)
    assert softly_limited(quiet) is quiet


def test_peaks_are_bent_in_order_and_never_reach_full_scale() -> None:
    loud = np.linspace(-1.2, 1.2, 5001, dtype=np.float32)
    limited = softly_limited(loud)
    assert np.abs(limited).max() < 1
    assert (np.diff(limited) > 0).all()
    inside = np.abs(loud) <= CEILING
    np.testing.assert_array_equal(limited[inside], loud[inside])
