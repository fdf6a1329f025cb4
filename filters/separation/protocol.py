"""What a separator is: a song in, its voice alone out."""

from typing import Protocol

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
