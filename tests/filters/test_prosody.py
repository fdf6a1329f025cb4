"""Prosody: tones and glides of known pitch, an independent measure, and edits that move it."""

from dataclasses import replace

import numpy as np
import pytest
from autocorrelated_prosody import autocorrelated_prosody
from hypothesis import given, settings
from hypothesis import strategies as st
from spoken_sentences import spoken_sentences
from studio_clips import Utterance, sample_of, studio_clips

from lauter.datasets.audio import Clip, Samples
from lauter.filters.prosody import SAMPLE_RATE, Prosody, ProsodyScorer, measure_prosody
from lauter.teacher.edit import edit


def buzz(pitch_hz: np.ndarray) -> Samples:
    """A voice-like wave whose pitch at each sample is ``pitch_hz``."""
    phase = 2 * np.pi * np.cumsum(pitch_hz) / SAMPLE_RATE
    wave = sum(np.sin(k * phase) / k for k in range(1, 12))
    return (0.1 * np.asarray(wave)).astype(np.float32)


@settings(max_examples=15)
@given(st.floats(80.0, 400.0))
def test_the_pitch_of_a_steady_tone_is_its_frequency(pitch_hz: float) -> None:
    found = measure_prosody(buzz(np.full(SAMPLE_RATE, pitch_hz)), SAMPLE_RATE)
    assert found.f0_median_hz == pytest.approx(pitch_hz, rel=0.01)
    assert found.f0_mean_hz == pytest.approx(pitch_hz, rel=0.01)
    assert found.f0_range_st == pytest.approx(0.0, abs=0.2)
    assert found.voiced_ratio > 0.9


@settings(max_examples=10)
@given(st.floats(100.0, 180.0), st.floats(2.0, 9.0))
def test_the_range_of_a_glide_is_what_it_glides(from_hz: float, semitones: float) -> None:
    glide = from_hz * 2 ** (np.linspace(0.0, semitones / 12, 2 * SAMPLE_RATE))
    found = measure_prosody(buzz(glide), SAMPLE_RATE)
    assert found.f0_range_st == pytest.approx(0.9 * semitones, abs=0.3)
    assert found.f0_median_hz == pytest.approx(from_hz * 2 ** (semitones / 24), rel=0.01)


def test_on_speech_it_agrees_with_autocorrelation() -> None:
    ratios = []
    for spoken in spoken_sentences():
        ours = measure_prosody(spoken.samples, spoken.sample_rate)
        theirs = autocorrelated_prosody(spoken.samples, spoken.sample_rate)
        assert ours.f0_median_hz is not None
        ratios.append(12 * np.log2(ours.f0_median_hz / theirs.f0_median_hz))
    assert abs(np.median(ratios)) < 0.3
    assert np.max(np.abs(ratios)) < 2.0


@settings(max_examples=8, deadline=None)
@given(st.floats(0.02, 1.5))
def test_gain_changes_the_level_and_nothing_else(gain: float) -> None:
    spoken = spoken_sentences()[0]
    plain = measure_prosody(spoken.samples, spoken.sample_rate)
    changed = measure_prosody(spoken.samples * np.float32(gain), spoken.sample_rate)
    assert changed.energy_db - plain.energy_db == pytest.approx(20 * np.log10(gain), abs=0.01)
    assert changed.syllable_rate == pytest.approx(plain.syllable_rate)
    for name in ("f0_mean_hz", "f0_median_hz", "f0_range_st", "voiced_ratio", "spectral_tilt_db"):
        assert getattr(changed, name) == pytest.approx(getattr(plain, name), rel=0.01), name


@pytest.mark.parametrize("length", [1, 100, SAMPLE_RATE])
def test_silence_has_no_pitch(length: int) -> None:
    found: Prosody = measure_prosody(np.zeros(length, np.float32), SAMPLE_RATE)
    assert found.f0_mean_hz is found.f0_median_hz is found.f0_range_st is None
    assert found.syllable_rate == found.voiced_ratio == 0.0


def margins(utterance: Utterance, asked: dict[str, object], done: dict[str, object]) -> dict:
    """The figures of an utterance that was asked for one thing and made into another."""
    clip, prompt = utterance.clip, utterance.prompt
    edited = edit(clip.samples, clip.sample_rate, language=prompt.language, **done)  # type: ignore[arg-type]
    sample = sample_of(
        Clip.of(edited, clip.sample_rate),
        replace(prompt, **asked),  # type: ignore[arg-type]
        reference=clip,
        reference_text=prompt.text,
    )
    (found,) = ProsodyScorer().score([sample])
    assert not isinstance(found, Exception)
    return dict(found)


@pytest.mark.parametrize("emotion", ["joy", "sadness", "anger", "fear", "cute"])
@pytest.mark.parametrize("number", [0, 2, 7])
def test_an_edit_moves_as_its_emotion_and_not_as_its_opposite(number: int, emotion: str) -> None:
    utterance, asked = studio_clips()[number], {"emotion": emotion, "emotion_level": 3}
    opposite = {"emotion": "sadness" if emotion != "sadness" else "joy", "emotion_level": 3}
    assert margins(utterance, asked, asked)["emotion_margin"] > 0.6
    assert margins(utterance, asked, opposite)["emotion_margin"] < 0.25
    assert margins(utterance, asked, {})["emotion_margin"] == pytest.approx(0.0, abs=0.05)


@pytest.mark.parametrize("speed", [-4, 3])
def test_a_change_of_pace_is_measured_by_the_text(speed: int) -> None:
    utterance, asked = studio_clips()[0], {"speed_level": speed}
    assert margins(utterance, asked, asked)["speed_margin"] == pytest.approx(1.0, abs=0.35)
    assert margins(utterance, asked, {"speed_level": -speed})["speed_margin"] < -0.4


def test_margins_do_not_apply_to_song_nor_without_a_reference() -> None:
    utterance = studio_clips()[0]
    sung = replace(utterance.prompt, style="sung", emotion="joy", emotion_level=2)
    alone = replace(utterance.prompt, emotion="joy", emotion_level=2)
    for figures in ProsodyScorer().score(
        [
            sample_of(utterance.clip, sung, reference=utterance.clip),
            sample_of(utterance.clip, alone),
        ]
    ):
        assert figures["emotion_margin"] is figures["speed_margin"] is None  # type: ignore[index]
