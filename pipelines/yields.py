"""What share of a cell's requests is accepted, learned as they come in, and how sure that is.

A cell's yield is a Beta distribution. What it begins with is the mean of all cells together, worth
two requests: a cell of which nothing is known is taken to be like the others, and forgets that
after a few requests of its own.
"""

from dataclasses import dataclass
from typing import Final

from scipy.stats import beta

_PRIOR_WEIGHT: Final = 2.0


@dataclass(frozen=True, slots=True)
class Yield:
    """Accepted of asked, before a background of ``prior`` (a share that is worth two requests)."""

    accepted: int = 0
    asked: int = 0
    prior: float = 0.5

    @property
    def mean(self) -> float:
        """The expected share."""
        first, second = self.parameters
        return first / (first + second)

    def bound(self, probability: float) -> float:
        """Return what the share is below with this probability."""
        return float(beta.ppf(probability, *self.parameters))

    def interval(self, confidence: float = 0.9) -> tuple[float, float]:
        """Return the bounds between which the share lies with this probability."""
        outside = (1 - confidence) / 2
        return self.bound(outside), self.bound(1 - outside)

    @property
    def parameters(self) -> tuple[float, float]:
        """The two parameters of the Beta distribution."""
        # Kept off 0 and 1, where the distribution would know everything beforehand.
        prior = min(max(self.prior, 0.02), 0.98)
        rejected = self.asked - self.accepted
        return self.accepted + _PRIOR_WEIGHT * prior, rejected + _PRIOR_WEIGHT * (1 - prior)


def pooled(counts: list[tuple[int, int]]) -> float:
    """Return the share of all cells together, from (accepted, asked) of each; 0.5 of none."""
    accepted, asked = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0)
    return (accepted + 1) / (asked + 2)
