"""What the released semantic encoder hears: mel spectrograms as Whisper large-v3 has them."""

import functools
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lauter.datasets.audio import Samples

SAMPLE_RATE: Final = 16_000
BANDS: Final = 128

_WINDOW = 400
_HOP = 160
_LEAST_POWER = 1e-10
_RANGE = 8.0
_LINEAR_HZ_PER_MEL = 200.0 / 3.0
_LOG_FROM_HZ = 1000.0
_LOG_STEP = np.log(6.4) / 27.0


def log_mel(samples: Samples) -> NDArray[np.float32]:
    """Return the log power in 128 mel bands, float32 ``[128, frames]``, a frame each 10 ms.

    ``samples`` are at 16 kHz, 201 or more. The ends are mirrored; what lies 80 dB below the
    loudest is raised to there.
    """
    padded = np.pad(samples, _WINDOW // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][:-1]
    spectrum = np.fft.rfft(frames * _hann(), axis=1)
    power = spectrum.real.astype(np.float64) ** 2 + spectrum.imag.astype(np.float64) ** 2
    logarithm = np.log10(np.maximum(_triangles() @ power.T, _LEAST_POWER))
    raised = np.maximum(logarithm, logarithm.max() - _RANGE)
    return np.asarray((raised + 4.0) / 4.0, np.float32)


@functools.cache
def _hann() -> NDArray[np.float32]:
    return np.hanning(_WINDOW + 1)[:-1].astype(np.float32)


@functools.cache
def _triangles() -> NDArray[np.float64]:
    """Return filters ``[128, 201]``: triangles of equal area on Slaney's scale."""
    bins_hz = np.fft.rfftfreq(_WINDOW, 1.0 / SAMPLE_RATE)
    edges_hz = _hz(np.linspace(0.0, _mel(SAMPLE_RATE / 2.0), BANDS + 2))
    low, centre, high = edges_hz[:-2, None], edges_hz[1:-1, None], edges_hz[2:, None]
    rising = (bins_hz - low) / (centre - low)
    falling = (high - bins_hz) / (high - centre)
    return np.asarray(np.maximum(0.0, np.minimum(rising, falling)) * (2.0 / (high - low)))


def _mel(hz: float) -> float:
    if hz < _LOG_FROM_HZ:
        return hz / _LINEAR_HZ_PER_MEL
    return float(_LOG_FROM_HZ / _LINEAR_HZ_PER_MEL + np.log(hz / _LOG_FROM_HZ) / _LOG_STEP)


def _hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    linear = mel * _LINEAR_HZ_PER_MEL
    from_mel = _LOG_FROM_HZ / _LINEAR_HZ_PER_MEL
    return np.where(mel < from_mel, linear, _LOG_FROM_HZ * np.exp(_LOG_STEP * (mel - from_mel)))
