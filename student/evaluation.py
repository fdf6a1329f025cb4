"""How good, how sure, how much worse: figures over utterances with bootstrap intervals.

Every figure here is a ratio of two sums over utterances: a character error rate is edits over
characters, a mean is values over how many there are, a real-time factor seconds over seconds. So
one estimator serves all, long utterances weigh what they say, and none is left out.

Intervals are percentiles over resamples of the utterances (B. Efron, 1979). Two systems that spoke
the same texts are compared in the *same* resamples: what is hard about a text is hard for both and
falls out of the difference, which makes its interval narrower than either system's.

The trade-off: percentiles need no theory of how errors are spread, and are a little too sure of
themselves where utterances are few. In 2,000 simulated evaluations (20 % of one system's and 30 %
of the other's utterances had errors) the one-sided bound at 95 % covered the true difference in
93.3 % with 25 utterances, and in 94.1 to 95.1 % with 50, 100 and 200. Where neither system errs at
all, no resample can show how rare errors are: the bound is then 0, however few the utterances.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES: Final = 10_000
CONFIDENCE: Final = 0.95
_DRAWN_AT_ONCE: Final = 1 << 21

Figures = NDArray[np.float64]
"""One figure an utterance, float64 ``[utterances]``."""


@dataclass(frozen=True, eq=False)
class Ratio:
    """What is summed over utterances: ``parts`` over ``wholes``, both float64 ``[utterances]``."""

    parts: Figures
    wholes: Figures

    @classmethod
    def of(cls, parts: ArrayLike, wholes: ArrayLike) -> "Ratio":
        """Return the ratio of two lists of equal length; raises ``ValueError`` for any other.

        Without utterances, or where all wholes are zero, there is no ratio: ``ValueError``.
        """
        ratio = cls(np.asarray(parts, np.float64), np.asarray(wholes, np.float64))
        if ratio.parts.shape != ratio.wholes.shape or ratio.parts.ndim != 1:
            raise ValueError(f"{ratio.parts.shape} parts and {ratio.wholes.shape} wholes")
        if not len(ratio.wholes) or (ratio.wholes <= 0).any():
            raise ValueError("a ratio needs utterances, each with a whole above zero")
        return ratio

    @classmethod
    def mean(cls, values: ArrayLike) -> "Ratio":
        """Return the mean of values as a ratio: their sum over how many they are."""
        array = np.asarray(values, np.float64)
        return cls.of(array, np.ones_like(array))

    @property
    def value(self) -> float:
        """The ratio over all utterances."""
        return float(self.parts.sum() / self.wholes.sum())


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure over ``utterances``, and the 95 % interval ``low`` to ``high``."""

    value: float
    low: float
    high: float
    utterances: int


@dataclass(frozen=True, slots=True)
class Difference(Estimate):
    """One system's figure less another's; ``upper`` is what it stays below with 95 %."""

    upper: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a system is not inferior to ``against`` by ``margin`` at 95 %.

    A margin of 0 asks for more than not being worse: the student must be shown to be better. Two
    that say every text equally well, as where neither makes any error, do not show that.
    """

    against: str
    margin: float
    difference: Difference

    @property
    def holds(self) -> bool:
        """Not inferior: the one-sided upper bound of the difference is below the margin."""
        return self.difference.upper < self.margin

    @property
    def sentence(self) -> str:
        """What was found, in words."""
        if self.margin:
            found = "is not inferior to" if self.holds else "was not shown to be as good as"
            asked = f"within the margin {self.margin:g}"
        else:
            found = "is better than" if self.holds else "was not shown to be better than"
            asked = "as the margin 0 asks"
        return (
            f"the student {found} the {self.against} {asked} at {CONFIDENCE:.0%}: {self._figures} "
            f"(texts: {self.difference.utterances})"
        )

    @property
    def _figures(self) -> str:
        if self.difference.low == self.difference.high == 0:
            return "no text tells them apart"
        return (
            f"its CER less the {self.against}'s is {self.difference.value:+.4f}, and at most "
            f"{self.difference.upper:+.4f}"
        )


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Resamples utterances: the same seed draws the same resamples of so many utterances."""

    resamples: int = RESAMPLES
    seed: int = 0

    def estimate(self, ratio: Ratio) -> Estimate:
        """Return a ratio with its interval."""
        (drawn,) = self._drawn([ratio])
        low, high = _two_sided(drawn)
        return Estimate(ratio.value, low, high, len(ratio.parts))

    def difference(self, system: Ratio, against: Ratio) -> Difference:
        """Return ``system`` less ``against``, utterance i of one being paired with i of the other.

        Raises ``ValueError`` where they are not of the same number of utterances.
        """
        if len(system.parts) != len(against.parts):
            raise ValueError(
                f"{len(system.parts)} and {len(against.parts)} utterances make no pairs"
            )
        ours, theirs = self._drawn([system, against])
        drawn = ours - theirs
        low, high = _two_sided(drawn)
        return Difference(
            value=system.value - against.value,
            low=low,
            high=high,
            utterances=len(system.parts),
            upper=float(np.quantile(drawn, CONFIDENCE)),
        )

    def _drawn(self, ratios: Sequence[Ratio]) -> list[Figures]:
        """Return the ratios in every resample, float64 ``[resamples]`` each; the same resamples."""
        utterances = len(ratios[0].parts)
        columns = np.stack([side for ratio in ratios for side in (ratio.parts, ratio.wholes)], 1)
        sums = np.empty((self.resamples, columns.shape[1]))
        generator = np.random.default_rng(self.seed % 2**64)
        at_once = max(1, _DRAWN_AT_ONCE // utterances)
        for start in range(0, self.resamples, at_once):
            rows = min(at_once, self.resamples - start)
            drawn = generator.integers(utterances, size=(rows, utterances))
            # How often each utterance was drawn, so that all columns are summed by one product.
            drawn += np.arange(rows)[:, None] * utterances
            times = np.bincount(drawn.reshape(-1), minlength=rows * utterances)
            sums[start : start + rows] = times.reshape(rows, utterances).astype(float) @ columns
        return [sums[:, 2 * i] / sums[:, 2 * i + 1] for i in range(len(ratios))]


def _two_sided(drawn: Figures) -> tuple[float, float]:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(low), float(high)
