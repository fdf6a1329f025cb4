"""What is heard in pauses: nothing, noise of some colour, or music."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lauter.filters.background import (
    MUSIC_FROM_DB,
    SAMPLE_RATE,
    pause_tonality_db,
    pauses,
    signal_to_noise_db,
)

SPANS = [(0.5, 2.0), (2.6, 4.0)]
LENGTH = 5 * SAMPLE_RATE


def voiced(seed: int = 0) -> NDArray[np.float64]:
    """A buzz where there is speech."""
    buzz = np.zeros(LENGTH)
    for start, end in SPANS:
        place = slice(round(start * SAMPLE_RATE), round(end * SAMPLE_RATE))
        buzz[place] = np.random.default_rng(seed).standard_normal(place.stop - place.start)
    return 0.1 * buzz


def behind(noise: NDArray[np.float64], level_db: float) -> NDArray[np.float32]:
    """Speech with ``noise`` so far below it."""
    gain = 0.1 * 10 ** (-level_db / 20) / np.sqrt(np.mean(noise**2))
    return (voiced() + gain * noise).astype(np.float32)


def chord() -> NDArray[np.float64]:
    time = np.arange(LENGTH) / SAMPLE_RATE
    return np.sum([np.sin(2 * np.pi * hz * time) for hz in (220.0, 277.2, 329.6, 440.0)], axis=0)


@pytest.mark.parametrize("level_db", [0.0, 20.0, 40.0])
def test_a_chord_in_the_pauses_is_music_at_any_level_that_is_heard(level_db: float) -> None:
    tonality = pause_tonality_db(behind(chord(), level_db), SPANS)
    assert tonality is not None and tonality > MUSIC_FROM_DB


@given(st.integers(0, 2**32 - 1), st.floats(0.0, 40.0), st.floats(0.0, 2.0))
def test_noise_of_any_colour_is_no_music(seed: int, level_db: float, slope: float) -> None:
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(LENGTH))
    hz = np.maximum(np.fft.rfftfreq(LENGTH, 1 / SAMPLE_RATE), 20.0)
    coloured = np.fft.irfft(spectrum * hz ** (-slope / 2), LENGTH)
    tonality = pause_tonality_db(behind(coloured, level_db), SPANS)
    assert tonality is not None and tonality < MUSIC_FROM_DB


def test_silence_has_no_tonality_and_all_the_ratio_that_is_heard() -> None:
    silent = voiced().astype(np.float32)
    assert pause_tonality_db(silent, SPANS) == pytest.approx(0.0, abs=0.1)
    assert signal_to_noise_db(silent, SPANS) == 60.0
    faint = behind(chord(), 90.0)
    assert (pause_tonality_db(faint, SPANS) or 0.0) < MUSIC_FROM_DB


@pytest.mark.parametrize("level_db", [0.0, 10.0, 30.0])
def test_the_ratio_is_that_of_speech_to_pauses(level_db: float) -> None:
    white = np.random.default_rng(1).standard_normal(LENGTH)
    ratio = signal_to_noise_db(behind(white, level_db), SPANS)
    above = 10 * np.log10(1 + 10 ** (level_db / 10))  # the noise is in the speech too
    assert ratio == pytest.approx(above, abs=0.3)


def test_without_speech_or_pauses_nothing_is_said() -> None:
    audio = voiced().astype(np.float32)
    for spans in ([], [(0.0, LENGTH / SAMPLE_RATE)]):
        assert pause_tonality_db(audio, spans) is None
        assert signal_to_noise_db(audio, spans) is None


def test_pauses_keep_their_distance_from_speech() -> None:
    lengths = [len(piece) / SAMPLE_RATE for piece in pauses(voiced().astype(np.float32), SPANS)]
    assert lengths == pytest.approx([0.4, 0.4, 0.9], abs=1e-3)
