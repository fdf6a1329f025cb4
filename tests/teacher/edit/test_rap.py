"""Rap: what is heard begins on the beat, and hardly has a tune."""

import numpy as np
import pytest
from autocorrelated_prosody import autocorrelated_prosody
from numpy.typing import NDArray
from scipy.signal import butter, find_peaks, sosfiltfilt
from spoken_sentences import spoken_sentences

from lauter.teacher.edit import edit
from lauter.teacher.edit.rap import TEMPI, sixteenth_s

HOP_S = 0.005


def rhythm(samples: NDArray[np.float32], sample_rate: int, unit_s: float) -> float:
    """How strictly the rises of loudness keep to a grid of ``unit_s``: 0 not at all, 1 all do.

    The length of the mean of the rises' phases on the grid, each weighted by its height.
    """
    band = butter(4, (300, 2500), "bandpass", fs=sample_rate, output="sos")
    powers = sosfiltfilt(band, samples) ** 2
    hop = round(HOP_S * sample_rate)
    loudness = powers[: len(powers) // hop * hop].reshape(-1, hop).mean(axis=1)
    window = np.hanning(7)
    smooth = np.convolve(loudness, window / window.sum(), mode="same")
    rises = np.diff(10 * np.log10(np.maximum(smooth, smooth.max() * 1e-3)))
    peaks, _ = find_peaks(rises, height=0.8, distance=12)
    phases = np.exp(2j * np.pi * peaks * HOP_S / unit_s)
    return float(np.abs(np.average(phases, weights=rises[peaks])))


@pytest.mark.slow
def test_rapped_syllables_begin_on_the_grid_and_spoken_ones_do_not() -> None:
    spoken_rhythm, rapped_rhythm, spoken_range, rapped_range = [], [], [], []
    for seed, spoken in enumerate(spoken_sentences()):
        rapped = edit(
            spoken.samples, spoken.sample_rate, style="rap", seed=seed, language=spoken.language
        )
        for samples, rhythms, ranges in (
            (spoken.samples, spoken_rhythm, spoken_range),
            (rapped, rapped_rhythm, rapped_range),
        ):
            rhythms.append(rhythm(samples, spoken.sample_rate, sixteenth_s(seed)))
            prosody = autocorrelated_prosody(samples, spoken.sample_rate)
            ranges.append(prosody.f0_range_semitones)
    assert np.mean(spoken_rhythm) < 0.4
    assert np.mean(rapped_rhythm) > 0.7
    assert np.mean(rapped_range) < 0.7 * np.mean(spoken_range)


def test_the_seed_chooses_the_tempo() -> None:
    assert len({sixteenth_s(seed) for seed in range(20)}) == len(TEMPI)
