"""Mel spectrograms as librosa makes them, without librosa.

The speaker encoder was trained on librosa's; a test holds ours to numbers that librosa 0.11 gave.
"""

import functools

import numpy as np
from numpy.typing import NDArray

from lauter.datasets.audio import Samples

_LINEAR_HZ_PER_MEL = 200.0 / 3.0
_LOG_FROM_HZ = 1000.0
_LOG_STEP = np.log(6.4) / 27.0


def mel_power(
    samples: Samples, sample_rate: int, *, window: int, hop: int, bands: int
) -> NDArray[np.float32]:
    """Return the power in each mel band, float32 ``[frames, bands]``.

    ``window`` and ``hop`` are in samples. Frames are centred, the ends padded with zeros, the
    window is a periodic Hann, and the bands (Slaney's scale, of equal area) reach from 0 Hz to
    half the sample rate.
    """
    padded = np.pad(samples, window // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
    spectrum = np.fft.rfft(frames * _hann(window), axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    return (power @ _filters(sample_rate, window, bands)).astype(np.float32)


@functools.cache
def _hann(window: int) -> NDArray[np.float32]:
    return np.hanning(window + 1)[:-1].astype(np.float32)


@functools.cache
def _filters(sample_rate: int, window: int, bands: int) -> NDArray[np.float32]:
    """Return triangular filters ``[window // 2 + 1, bands]``."""
    bins_hz = np.fft.rfftfreq(window, 1.0 / sample_rate)
    edges_hz = _hz(np.linspace(0.0, _mel(sample_rate / 2.0), bands + 2))
    low, centre, high = edges_hz[:-2], edges_hz[1:-1], edges_hz[2:]
    rising = (bins_hz[:, None] - low) / (centre - low)
    falling = (high - bins_hz[:, None]) / (high - centre)
    filters = np.maximum(0.0, np.minimum(rising, falling)) * (2.0 / (high - low))
    return filters.astype(np.float32)


def _mel(hz: float) -> float:
    if hz < _LOG_FROM_HZ:
        return hz / _LINEAR_HZ_PER_MEL
    return float(_LOG_FROM_HZ / _LINEAR_HZ_PER_MEL + np.log(hz / _LOG_FROM_HZ) / _LOG_STEP)


def _hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    linear = mel * _LINEAR_HZ_PER_MEL
    from_mel = _LOG_FROM_HZ / _LINEAR_HZ_PER_MEL
    return np.where(mel < from_mel, linear, _LOG_FROM_HZ * np.exp(_LOG_STEP * (mel - from_mel)))
