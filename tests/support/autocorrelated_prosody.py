"""Prosody measured without WORLD, so that Audio-Edit is not judged by its own analysis.

Pitch is the highest peak of the normalised autocorrelation (P. Boersma, 1993), sought first
everywhere and then within seven semitones of the speaker's median, which leaves no octave errors.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_FRAME_S = 0.04
_HOP_S = 0.01
_LOWEST_HZ = 60.0
_HIGHEST_HZ = 800.0
_PERIODIC = 0.6
_ACTIVE_DB = -30.0
_SEARCH_SEMITONES = 9.0


@dataclass(frozen=True)
class Prosody:
    """Median pitch, its spread (10 % to 90 %), RMS level of what is active, length."""

    f0_median_hz: float
    f0_range_semitones: float
    energy_db: float
    duration_s: float


def autocorrelated_prosody(samples: NDArray[np.float32], sample_rate: int) -> Prosody:
    frames = _frames(samples.astype(np.float64), sample_rate)
    powers = np.mean(frames**2, axis=1)
    active = powers > powers.max() * 10 ** (_ACTIVE_DB / 10)
    frames = frames[active]
    median_hz = float(np.median(_pitches_hz(frames, sample_rate, _LOWEST_HZ, _HIGHEST_HZ)))
    reach = 2 ** (_SEARCH_SEMITONES / 12)
    pitches_hz = _pitches_hz(frames, sample_rate, median_hz / reach, median_hz * reach)
    low_hz, middle_hz, high_hz = np.quantile(pitches_hz, (0.1, 0.5, 0.9))
    return Prosody(
        f0_median_hz=float(middle_hz),
        f0_range_semitones=float(12 * np.log2(high_hz / low_hz)),
        energy_db=float(10 * np.log10(np.mean(powers[active]))),
        duration_s=len(samples) / sample_rate,
    )


def pitch_hz(
    samples: NDArray[np.float32], sample_rate: int, lowest_hz: float, highest_hz: float
) -> float:
    """Return the median pitch of a stretch of voice between two bounds; nan: there is none."""
    frames = _frames(samples.astype(np.float64), sample_rate)
    pitches_hz = _pitches_hz(frames, sample_rate, lowest_hz, highest_hz)
    return float(np.median(pitches_hz)) if len(pitches_hz) else float("nan")


def _frames(wave: NDArray[np.float64], sample_rate: int) -> NDArray[np.float64]:
    size, hop = round(_FRAME_S * sample_rate), round(_HOP_S * sample_rate)
    padded = np.pad(wave, (0, max(0, size - len(wave))))
    return np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]


def _pitches_hz(
    frames: NDArray[np.float64], sample_rate: int, lowest_hz: float, highest_hz: float
) -> NDArray[np.float64]:
    """The pitches of the periodic ones among ``frames``."""
    size = frames.shape[1]
    window = np.hanning(size)
    correlations = _autocorrelations((frames - frames.mean(axis=1, keepdims=True)) * window)
    correlations /= np.maximum(correlations[:, :1], 1e-12)
    own = _autocorrelations(window[None])
    correlations /= own / own[:, :1]
    shortest = int(sample_rate / highest_hz)
    longest = min(int(sample_rate / lowest_hz), int(size * 0.7))
    inner = correlations[:, shortest : longest + 1]
    # A small bounty on short lags, else a period and its double are a toss-up.
    bounty = 0.05 * np.log2(longest / np.arange(shortest, longest + 1))
    best = (inner + bounty).argmax(axis=1)
    rows = np.arange(len(frames))
    inside = (best > 0) & (best < inner.shape[1] - 1) & (inner[rows, best] > _PERIODIC)
    rows, best = rows[inside], best[inside]
    left, top, right = (inner[rows, best + offset] for offset in (-1, 0, 1))
    curve = left - 2 * top + right
    shift = np.where(curve < 0, 0.5 * (left - right) / np.where(curve < 0, curve, -1.0), 0.0)
    return sample_rate / (shortest + best + np.clip(shift, -1, 1))


def _autocorrelations(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    size = 1 << (2 * frames.shape[1] - 1).bit_length()
    spectra = np.fft.rfft(frames, size)
    return np.fft.irfft(spectra.real**2 + spectra.imag**2, size)[:, : frames.shape[1]]
