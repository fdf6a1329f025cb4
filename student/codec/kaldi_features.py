"""What the released linguistic encoder hears: filter banks as Kaldi makes them, stacked.

The settings are the release's but for one: there, noise is added to every frame (dither), and so
one file has other codes each time it is encoded. Here there is none. A test holds the filter banks
to numbers that kaldi-native-fbank gave.
"""

import functools
import re
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lauter.datasets.audio import Samples
from lauter.datasets.errors import UsageError

SAMPLE_RATE: Final = 16_000
BANDS: Final = 80
STACKED: Final = 7
"""Frames of 10 ms that stand side by side in one of 60 ms; the seventh is the next one's first."""
FEATURES: Final = STACKED * BANDS

Frames = NDArray[np.float32]
"""Filter banks, float32 ``[frames, features]``."""

_WINDOW = 400
_HOP = 160
_TRANSFORM = 512
_PRE_EMPHASIS = 0.97
_LOWEST_HZ = 20.0
_AS_INTEGERS = 32768.0
_LEAST_ENERGY = 2.0**-23
_STEP = 6
_BEFORE = (STACKED - 1) // 2
_CHUNK_SAMPLES = 3840
_CHUNK_FRAMES = 4
"""The release encodes 240 ms at a time, which are four frames of 60 ms."""


def log_mel_banks(samples: Samples) -> Frames:
    """Return the logarithm of the power in 80 mel bands, one row each 10 ms.

    ``samples`` are at 16 kHz. A frame is 25 ms; what fills no whole one is left out.
    """
    if len(samples) < _WINDOW:
        return np.empty((0, BANDS), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[::_HOP]
    scaled = frames * np.float32(_AS_INTEGERS)
    centred = scaled - scaled.mean(axis=1, keepdims=True)
    before = np.concatenate([centred[:, :1], centred[:, :-1]], axis=1)
    emphasised = centred - np.float32(_PRE_EMPHASIS) * before
    spectrum = np.fft.rfft(emphasised * _hamming(), _TRANSFORM, axis=1)
    power = spectrum.real.astype(np.float64) ** 2 + spectrum.imag.astype(np.float64) ** 2
    energies = np.maximum(power @ _triangles(), _LEAST_ENERGY)
    return np.asarray(np.log(energies), np.float32)


@functools.cache
def _hamming() -> Frames:
    return np.hamming(_WINDOW).astype(np.float32)


@functools.cache
def _triangles() -> NDArray[np.float64]:
    """Return filters ``[257, 80]``: triangles on the mel scale, all of height 1."""
    bins = _mel(np.arange(_TRANSFORM // 2 + 1) * SAMPLE_RATE / _TRANSFORM)
    lowest, highest = _mel(np.asarray([_LOWEST_HZ, SAMPLE_RATE / 2]))
    edges = np.linspace(lowest, highest, BANDS + 2)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins[:, None] - low) / (centre - low)
    falling = (high - bins[:, None]) / (high - centre)
    return np.asarray(np.maximum(0.0, np.minimum(rising, falling)))


def _mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1127.0 * np.log1p(hz / 700.0))


def stacked(banks: Frames, samples: int) -> Frames:
    """Return frames of 60 ms, ``[frames, 560]``: each has 70 ms of ``banks``.

    The first bank stands three times more before the first, the last is repeated where a frame
    lacks some. As in the release, what is left after its last whole chunk (of ``samples`` samples
    in all) is dropped where it is less than seven banks.
    """
    if not len(banks):
        return np.empty((0, FEATURES), np.float32)
    chunks = samples // _CHUNK_SAMPLES
    count = chunks * _CHUNK_FRAMES
    left = _BEFORE + len(banks) - count * _STEP
    if left >= STACKED:
        count += -(-(left - _BEFORE) // _STEP)
    places = np.arange(count)[:, None] * _STEP + np.arange(STACKED) - _BEFORE
    frames: Frames = banks[places.clip(0, len(banks) - 1)].reshape(count, FEATURES)
    return frames


class Normalisation:
    """Shifts and scales features as the statistics of an ``am.mvn`` file say."""

    def __init__(self, path: Path) -> None:
        """Raises ``UsageError`` where the file does not hold 560 shifts and scales."""
        text = path.read_text(errors="replace")
        self._shift = _vector(text, "AddShift", path)
        self._scale = _vector(text, "Rescale", path)

    def __call__(self, frames: Frames) -> Frames:
        """Return normalised frames."""
        return np.asarray((frames + self._shift) * self._scale, np.float32)


def _vector(text: str, name: str, path: Path) -> NDArray[np.float32]:
    found = re.search(rf"<{name}>[^\[]*\[([^\]]*)\]", text)
    try:
        numbers = np.asarray((found[1] if found else "").split(), np.float32)
    except ValueError:
        numbers = np.empty(0, np.float32)
    if len(numbers) != FEATURES or not np.isfinite(numbers).all():
        raise UsageError(
            f"'{path}' holds no {FEATURES} numbers of <{name}>; it is damaged or of another "
            "model: fetch it again"
        )
    return numbers
