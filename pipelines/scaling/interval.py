"""A mean over seeds and how sure it is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student_t


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval; where there was one seed, all three are the same."""

    value: float
    low: float
    high: float


def over_seeds(values: Sequence[float]) -> Interval:
    """Return the mean of independent values and its interval by Student's t."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return Interval(mean, mean, mean)
    half = float(student_t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1))
    half /= len(values) ** 0.5
    return Interval(mean, mean - half, mean + half)
