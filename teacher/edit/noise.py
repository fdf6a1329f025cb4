"""Noise put under speech, and taken away again.

Noise is pink, at a given ratio to the active level of the speech. It is taken away by a Wiener
filter whose gain follows the speech (Y. Ephraim and D. Malah, IEEE Transactions on Acoustics,
Speech and Signal Processing 32, 1984, with their decision-directed estimate), the noise known from
the quietest tenth of each band. That holds for noise that does not change; music and other voices
stay.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.signal import istft, stft

from lauter.datasets.audio import Samples
from lauter.teacher.edit.level import active_level, softly_limited

_WINDOW_S = 0.032
_SMOOTHING = 0.98
_LEAST_RATIO = 10 ** (-25 / 10)
"""The speech's least share that is believed: below, the filter would warble."""
_QUIETEST = 0.1


def with_noise(samples: Samples, sample_rate: int, ratio_db: float, seed: int) -> Samples:
    """Return ``samples`` with pink noise ``ratio_db`` below their active level."""
    random = np.random.default_rng(abs(seed))
    spectrum = np.fft.rfft(random.standard_normal(len(samples)))
    frequencies = np.maximum(np.fft.rfftfreq(len(samples), 1 / sample_rate), 20.0)
    pink = np.fft.irfft(spectrum / np.sqrt(frequencies), len(samples))
    level_dbfs = active_level(samples, sample_rate) - ratio_db
    pink *= 10 ** (level_dbfs / 20) / np.sqrt(np.mean(pink**2))
    return softly_limited((samples + pink).astype(np.float32))


def without_noise(samples: Samples, sample_rate: int) -> Samples:
    """Return ``samples`` with steady noise taken away."""
    size = round(_WINDOW_S * sample_rate)
    if len(samples) < 2 * size:
        return samples
    _, _, spectrum = stft(samples.astype(np.float64), sample_rate, nperseg=size)
    gains = _gains(np.square(np.abs(spectrum)))
    _, wave = istft(spectrum * gains, sample_rate, nperseg=size)
    cleaned: Samples = wave[: len(samples)].astype(np.float32)
    return cleaned


def _gains(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Wiener filter's gain ``[bins, frames]`` for the power of noisy speech."""
    kernel = np.full(5, 0.2)
    smooth = np.apply_along_axis(np.convolve, 1, power, kernel, mode="same")
    noise = np.quantile(smooth, _QUIETEST, axis=1) * _correction(power.shape[1])
    noise = np.maximum(noise, power.max() * 1e-12)
    gains = np.empty_like(power)
    before = np.ones(len(power))
    for frame in range(power.shape[1]):
        posterior = power[:, frame] / noise
        prior = _SMOOTHING * before + (1 - _SMOOTHING) * np.maximum(posterior - 1, 0)
        prior = np.maximum(prior, _LEAST_RATIO)
        gains[:, frame] = prior / (1 + prior)
        before = np.square(gains[:, frame]) * posterior
    return gains


def _correction(frames: int) -> float:
    """Return the mean of smoothed noise power over its tenth percentile, as it comes by chance."""
    random = np.random.default_rng(0)
    noise = random.exponential(size=(64, max(frames, 16)))
    smooth = np.apply_along_axis(np.convolve, 1, noise, np.full(5, 0.2), mode="same")
    return float(noise.mean() / np.quantile(smooth, _QUIETEST))
