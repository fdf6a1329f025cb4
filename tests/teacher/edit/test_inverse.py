"""Taking back: an emotion is a vector that is subtracted, of rap and song the voice and words stay.

The vector's law is held on frames; what rendering loses on top is measured on waves, by an analysis
that is not WORLD's.
"""

from dataclasses import replace

import numpy as np
import pytest
from autocorrelated_prosody import autocorrelated_prosody
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from spoken_sentences import Spoken, spoken_sentences

from lauter.datasets.audio import Samples
from lauter.datasets.tags import MAX_LEVEL, Emotion
from lauter.teacher.edit import edit
from lauter.teacher.edit.change import apply
from lauter.teacher.edit.emotions import EMOTIONS
from lauter.teacher.edit.inverse import without_emotion, without_style
from lauter.teacher.edit.syllables import syllables
from lauter.teacher.edit.world import Frames, analyse, synthesise

SENTENCES = [spoken_sentences()[number] for number in (3, 8, 15)]
STEADY = [emotion for emotion in EMOTIONS if emotion != Emotion.FEAR]


@pytest.fixture(scope="module")
def frames() -> Frames:
    return analyse(SENTENCES[0].samples, SENTENCES[0].sample_rate)


@settings(max_examples=20)
@given(st.sampled_from(STEADY), st.integers(1, MAX_LEVEL))
def test_what_is_taken_back_is_what_was_put_in(
    frames: Frames, emotion: Emotion, level: int
) -> None:
    back = without_emotion(apply(frames, EMOTIONS[emotion] * level), emotion, level)
    assert np.allclose(back.f0_hz, frames.f0_hz, rtol=1e-9)
    assert np.allclose(back.aperiodicity, frames.aperiodicity, atol=1e-9)
    assert back.frame_s == pytest.approx(frames.frame_s)
    assert back.level_dbfs == pytest.approx(frames.level_dbfs)
    if emotion != Emotion.CUTE:  # formants that moved were interpolated
        assert np.allclose(back.spectrum, frames.spectrum, rtol=1e-6)


@settings(max_examples=5)
@given(st.integers(1, MAX_LEVEL))
def test_the_trembling_of_fear_ends_with_it(frames: Frames, level: int) -> None:
    feared = apply(frames, EMOTIONS[Emotion.FEAR] * level)
    heard = analyse(synthesise(feared, seed=1), frames.sample_rate)
    back = without_emotion(heard, Emotion.FEAR, level)
    assert back.tremor_semitones == 0.0
    assert _unsteadiness(back) < _unsteadiness(heard)


def _unsteadiness(frames: Frames) -> float:
    """Mean curvature of the pitch over 50 ms, in semitones."""
    pitch = 12 * np.log2(np.where(frames.voiced, frames.f0_hz, np.nan))
    return float(np.nanmean(np.abs(pitch[:-20] - 2 * pitch[10:-10] + pitch[20:])))


def measured(samples: Samples, sample_rate: int) -> NDArray[np.float64]:
    """Pitch in semitones, level in dB, logarithm of the duration."""
    found = autocorrelated_prosody(samples, sample_rate)
    return np.array(
        [12 * np.log2(found.f0_median_hz), found.energy_db, np.log(found.duration_s)], np.float64
    )


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_the_fifth_level_comes_back_to_neutral_in_pitch_level_and_duration(
    emotion: Emotion,
) -> None:
    went, left = [], []
    for spoken in SENTENCES:
        felt = edit(spoken.samples, spoken.sample_rate, emotion=emotion, emotion_level=5, seed=1)
        back = without_emotion(analyse(felt, spoken.sample_rate), emotion, 5)
        neutral, moved, returned = (
            measured(samples, spoken.sample_rate)
            for samples in (spoken.samples, felt, synthesise(back, 1))
        )
        went.append(np.abs(moved - neutral))
        left.append(np.abs(returned - neutral))
    assert np.mean(went, axis=0)[0] > 1.5
    pitch_st, level_db, duration = np.mean(left, axis=0)
    assert pitch_st < 1.0
    assert level_db < 0.3
    assert duration < 0.01


@pytest.mark.parametrize("style", ["rap", "sung"])
@pytest.mark.parametrize("spoken", SENTENCES[1:], ids=["en", "ja"])
def test_without_its_style_a_line_goes_nearer_to_the_pace_of_speech_and_falls(
    style: str, spoken: Spoken
) -> None:
    line = edit(spoken.samples, spoken.sample_rate, style=style, language=spoken.language)
    styled = analyse(line, spoken.sample_rate)
    plain = without_style(styled, spoken.language)
    spoken_s = _spoken_s(analyse(spoken.samples, spoken.sample_rate), spoken.language)
    slower, left = (_spoken_s(one, spoken.language) / spoken_s for one in (styled, plain))
    # Of a held vowel more syllables are found than there are: a sung line stays too long.
    assert left < (1.2 if style == "rap" else 1.6)
    assert slower > left
    half = len(plain.f0_hz) // 2
    first, second = (side[side > 0] for side in (plain.f0_hz[:half], plain.f0_hz[half:]))
    assert np.median(first) > np.median(second)
    assert plain.median_f0_hz == pytest.approx(styled.median_f0_hz, rel=0.1)


def _spoken_s(frames: Frames, language: str) -> float:
    """From the first vowel to the last."""
    found = syllables(frames, language)
    return (found[-1].onset - found[0].onset) * frames.frame_s


def test_where_nothing_is_voiced_there_is_no_style_to_take(frames: Frames) -> None:
    whispered = replace(frames, f0_hz=np.zeros_like(frames.f0_hz))
    assert without_style(whispered, "en") is whispered
