"""What a separator is: a song in, its voice alone out."""

from typing import Protocol

import numpy as np

from lauter.datasets.audio import Samples


class Separator(Protocol):
    """Takes the voice out of a song. Built once per worker; models load on first use."""

    name: str

    def fingerprint(self) -> str:
        """Return a digest of what decides its sound: weights and settings; no model is loaded."""
        ...

    def voice(self, song: Samples, sample_rate: int) -> Samples:
        """Return the voice, as long as ``song`` and at its rate (mono, Hz).

        What is left of the song, ``song - voice``, is the accompaniment.
        """
        ...


def as_long_as(voice: Samples, song: Samples) -> Samples:
    """Return a voice at the length of its song, which it misses by a little when resampled."""
    return np.pad(voice, (0, max(0, len(song) - len(voice))))[: len(song)]
