"""How much speech requests become, and which part of it is kept."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class SpeechLoad:
    """How long utterances are, and which part of them is kept.

    ``seconds`` is the mean of an utterance, ``spread`` the standard deviation over it; lengths are
    gamma distributed, so that the sum of n of them is as easily drawn as one. ``accepted_share``
    is the part of the spoken requests that the filters let through.
    """

    seconds: float
    spread: float = 0.0
    accepted_share: float = 1.0

    def draw(self, requests: int, chance: np.random.Generator) -> float:
        """Return the seconds of speech of so many requests together."""
        if not self.spread or not requests:
            return requests * self.seconds
        shape = requests / self.spread**2
        return float(chance.gamma(shape, self.seconds * self.spread**2))
