"""What a recording is known by: 32 bits for each 32 ms, the same under gain and re-encoding.

Each bit tells whether the difference of level between two neighbouring bands (33, from 300 to
2000 Hz, a semitone wide) rose or fell since the frame before (after J. Haitsma and T. Kalker, ISMIR
2002). Another reading of the same sentence has other bits, and so has speech whose pitch was moved
by half a semitone; noise and codecs turn few. A second of speech takes 125 bytes.

Scorers see one utterance; which recordings are the same is found over the whole corpus
(``near_duplicates.py``).
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lauter.datasets.audio import Samples
from lauter.datasets.identity import content_id
from lauter.datasets.records import described
from lauter.filters.protocol import Sample

SAMPLE_RATE = 16_000
WINDOW = 8192
"""Samples heard for one frame: long, so that it matters little where the first one begins."""
HOP = 512
BITS = 32
BAND_HZ = (300.0, 2000.0)
ACTIVE_WITHIN_DB = 30.0
"""Frames before the first and after the last that is as loud as this are left out: edges of
silence are trimmed by many a tool, and noise is all there is to know them by."""

Print: TypeAlias = NDArray[np.uint32]
"""A recording's bits, uint32 ``[frames]``."""


def sound_print(audio: Samples) -> Print:
    """Return the print of 16 kHz ``audio``; empty for less than two frames (0.55 s)."""
    padded = np.pad(audio, (0, max(0, WINDOW - len(audio))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    spectrum = np.fft.rfft(frames * np.hanning(WINDOW).astype(np.float32), axis=1)
    first, last = _edges()[0], _edges()[-1]
    power = spectrum.real[:, first:last] ** 2 + spectrum.imag[:, first:last] ** 2
    bands = np.add.reduceat(power, _edges()[:-1] - first, axis=1)
    loudness = bands.sum(axis=1)
    loud = loudness >= np.percentile(loudness, 95) * 10 ** (-ACTIVE_WITHIN_DB / 10)
    start, end = np.flatnonzero(loud)[[0, -1]]
    levels = np.log(bands[start : end + 1] + 1e-12)
    rises = np.diff(np.diff(levels, axis=1), axis=0) > 0
    bits: Print = (rises @ (1 << np.arange(BITS, dtype=np.uint64))).astype(np.uint32)
    return bits


@cache
def _edges() -> NDArray[np.int64]:
    """Return the spectrum's bins at which a band begins, and the one after the last band."""
    return np.rint(np.geomspace(*BAND_HZ, BITS + 2) * WINDOW / SAMPLE_RATE).astype(np.int64)


class SoundScorer:
    """The print of the recording, by which its copies are found."""

    name = "sound"
    fields: ClassVar[Sequence[pa.Field]] = (
        described(
            "sound_print",
            pa.list_(pa.uint32()),
            "What the recording is known by: 32 bits for each 32 ms",
        ),
    )

    def fingerprint(self) -> str:
        """Return the digest of the settings."""
        settings = [SAMPLE_RATE, WINDOW, HOP, BITS, *BAND_HZ, ACTIVE_WITHIN_DB]
        return content_id("lauter.sound.v1", {"settings": settings})

    def score(self, samples: Sequence[Sample]) -> Sequence[Mapping[str, Any] | Exception]:
        """Take the print of each clip."""
        return [{"sound_print": sound_print(sample.clip.at(SAMPLE_RATE))} for sample in samples]
