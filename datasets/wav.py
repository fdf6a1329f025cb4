"""Plain WAV files, read without a library: 16-bit, one channel, the commonest form of speech.

The samples are a view into the file's bytes: opening 3 s of speech takes 0.01 ms, and 0.15 ms by
way of libsndfile. The library also would not tell that a WAV is cut off, so that is found here.
"""

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lauter.datasets.errors import UsageError

_PCM = 1
_UNKNOWN_SIZE = 0x7FFFF000
"""Sizes from here on stand in the header of a WAV that was streamed: its length was not known."""


@dataclass
class PlainWav:
    """An open file, with as much of ``soundfile.SoundFile``'s face as is used here."""

    samples: NDArray[np.int16]
    samplerate: int
    position: int = 0
    channels: int = 1
    format: str = "WAV"
    subtype: str = "PCM_16"

    @property
    def frames(self) -> int:
        """Number of samples."""
        return len(self.samples)

    def tell(self) -> int:
        """Return the position, in samples."""
        return self.position

    def seek(self, frames: int) -> int:
        """Go to a position, in samples."""
        self.position = frames
        return frames

    def read(self, frames: int, *, dtype: str, always_2d: bool) -> NDArray[Any]:
        """Return the next ``frames`` as int16 ``[frames, 1]``; nothing else is needed of it."""
        assert dtype == "int16" and always_2d
        start, self.position = self.position, self.position + frames
        return self.samples[start : self.position, np.newaxis]


def plain_wav(data: bytes) -> PlainWav | None:
    """Open a plain WAV; None where it is something else, which a library may read.

    Raises ``UsageError`` where a WAV of any kind says that more samples follow than do.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        return None
    layout = None
    position = 12
    while position + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, position)
        position += 8
        if name == b"fmt " and position + 16 <= len(data):
            layout = struct.unpack_from("<HHIIHH", data, position)
        if name == b"data":
            return _opened(data, position, size, layout)
        position += size + size % 2
    return None


def _opened(
    data: bytes, position: int, size: int, layout: tuple[int, ...] | None
) -> PlainWav | None:
    following = len(data) - position
    if size > following and size < _UNKNOWN_SIZE:
        raise UsageError(
            f"the audio is cut off: its header says {size} bytes of samples, "
            f"{following} are there; take it from its source again"
        )
    if layout is None:
        return None
    kind, channels, sample_rate, _, _, bits = layout
    if (kind, channels, bits) != (_PCM, 1, 16) or not sample_rate:
        return None
    samples = np.frombuffer(data, "<i2", min(size, following) // 2, position)
    return PlainWav(samples, sample_rate)
