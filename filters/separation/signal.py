"""The voice by signal processing alone: what does not repeat, minus what is struck.

Two masks are multiplied. The first is REPET-SIM's: an accompaniment repeats itself and a voice does
not, so what a frame has in common with the frames most like it is accompaniment. The second takes
away what is broad in frequency and short in time, as drums are. It needs no weights and hears
nothing above 8 kHz. What it cannot do: a chord that sounds once is taken for the voice, a voice
that repeats is taken for the accompaniment, and a line without a voice is not left empty. A third
mask, a comb on the pitch that is tracked in what is left, was tried and lost up to 4 dB: in a song
the tracker follows the band too often.

Z. Rafii, B. Pardo: Music/voice separation using the similarity matrix (ISMIR 2012);
D. FitzGerald: Harmonic/percussive separation using median filtering (DAFx 2010).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter
from scipy.signal import istft, stft

from lauter.datasets.audio import Samples, resample
from lauter.datasets.identity import content_id
from lauter.filters.separation.protocol import as_long_as

SAMPLE_RATE = 16_000
WINDOW = 1024
HOP = 256
SIMILAR = 24
"""Frames that are held against one."""
APART_S = 1.0
"""They lie at least so far from it: a held note is like its own neighbours."""
LOWEST_HZ = 100.0
"""Below, there is bass and no voice."""
STRUCK_S = 0.2
STRUCK_HZ = 500.0
"""What lasts less than the one and spreads over more than the other is struck."""
STRUCK_MARGIN = 2.0
"""How much broader than long it must be, so that consonants are left."""
BLOCK_S = 60.0
"""Frames are compared within so long a piece of the song: the comparison grows with its square."""

_SMALL = 1e-8

Floats = NDArray[np.float64]


class SignalSeparator:
    """REPET-SIM and a median filter against drums."""

    name = "signal"

    def fingerprint(self) -> str:
        """Return the digest of the settings."""
        settings = [WINDOW, HOP, SIMILAR, APART_S, LOWEST_HZ, STRUCK_S, STRUCK_HZ, STRUCK_MARGIN]
        return content_id("lauter.signal-separator.v1", {"settings": [*settings, BLOCK_S]})

    def voice(self, song: Samples, sample_rate: int) -> Samples:
        """Return the voice of ``song``, as long as it and at its rate."""
        heard = resample(song, sample_rate, SAMPLE_RATE)
        frequencies, _, spectrum = stft(heard, SAMPLE_RATE, nperseg=WINDOW, noverlap=WINDOW - HOP)
        size = round(BLOCK_S * SAMPLE_RATE / HOP)
        mask = np.concatenate(
            [
                _voice_mask(np.abs(spectrum[:, start : start + size]))
                for start in range(0, spectrum.shape[1], size)
            ],
            axis=1,
        )
        mask[frequencies < LOWEST_HZ] = 0.0
        _, voice = istft(spectrum * mask, SAMPLE_RATE, nperseg=WINDOW, noverlap=WINDOW - HOP)
        found = resample(voice[: len(heard)].astype(np.float32), SAMPLE_RATE, sample_rate)
        return as_long_as(found, song)


def _voice_mask(magnitude: Floats) -> Floats:
    """Return the voice's share ``[bins, frames]`` of a spectrogram of the same shape."""
    repeating = repeating_part(magnitude)
    share = (magnitude - repeating + _SMALL) / (magnitude + _SMALL)
    return share * _held_share(magnitude)


def repeating_part(magnitude: Floats) -> Floats:
    """Return what each frame of ``magnitude`` ``[bins, frames]`` shares with those most like it."""
    frames = magnitude.shape[1]
    apart = round(APART_S * SAMPLE_RATE / HOP)
    count = min(SIMILAR, max(0, frames - 2 * apart - 1))
    if count < 2:
        return np.zeros_like(magnitude)
    unit = magnitude / np.maximum(np.linalg.norm(magnitude, axis=0), _SMALL)
    likeness = unit.T @ unit
    places = np.arange(frames)
    likeness[np.abs(places[:, None] - places) <= apart] = -1.0
    nearest = np.argpartition(-likeness, count, axis=1)[:, :count]
    repeating = np.empty_like(magnitude)
    for frame, others in enumerate(nearest):
        repeating[:, frame] = np.median(magnitude[:, others], axis=1)
    return np.minimum(repeating, magnitude)


def _held_share(magnitude: Floats) -> Floats:
    long = 2 * round(STRUCK_S * SAMPLE_RATE / HOP / 2) + 1
    broad = 2 * round(STRUCK_HZ / (SAMPLE_RATE / WINDOW) / 2) + 1
    held = median_filter(magnitude, (1, long)) ** 2
    struck = (median_filter(magnitude, (broad, 1)) / STRUCK_MARGIN) ** 2
    share: Floats = (held + _SMALL) / (held + struck + _SMALL)
    return share
