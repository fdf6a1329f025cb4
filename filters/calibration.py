"""Calibration: a threshold fitted to human labels, and what it costs each slice.

People call a sample of utterances good or bad; the threshold kept is the one that keeps most of
the good among those whose kept utterances are good at the wanted precision. Labels are few, so
the threshold, its precision and the share of good speech kept come with bootstrap intervals:
rows are drawn again with replacement and everything is fitted anew. The precision of a fitted
threshold is optimistic on the labels that it was fitted to: read its interval's lower end.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from lauter.datasets.errors import UsageError

Figures = NDArray[np.float64]
"""A score of each labelled utterance, float64 ``[rows]``."""
Labels = NDArray[np.bool_]
"""Whether people called each utterance good, bool ``[rows]``."""

BOOTSTRAP_DRAWS = 1000


class Keep(StrEnum):
    """Which side of the threshold is kept, as a policy's gates say it; the threshold passes."""

    AT_MOST = "at_most"
    AT_LEAST = "at_least"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and the ends of its interval; NaN where nothing can be said."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True, slots=True)
class SliceCost:
    """What a threshold does to the labelled rows that share a tag.

    ``good_kept`` is the share of good rows that pass (what is lost is one minus it), ``precision``
    the share of good rows among those that pass.
    """

    tag: str
    rows: int
    kept: int
    good_kept: Estimate
    precision: Estimate


@dataclass(frozen=True, slots=True)
class Calibration:
    """A fitted threshold. ``overall`` counts all rows, ``slices`` those of each tag.

    ``threshold.low`` and ``.high`` are NaN where more than ``1 - confidence`` of the draws had no
    threshold of the wanted precision.
    """

    keep: Keep
    wanted_precision: float
    confidence: float
    threshold: Estimate
    overall: SliceCost
    slices: tuple[SliceCost, ...]

    def passes(self, figures: Figures) -> Labels:
        """Return where figures pass the threshold; NaN never does."""
        return _passes(figures, self.threshold.value, self.keep)


def calibrate(
    figures: Figures,
    good: Labels,
    *,
    keep: Keep | str,
    precision: float,
    tags: Mapping[str, Sequence[str]] | None = None,
    confidence: float = 0.95,
    draws: int = BOOTSTRAP_DRAWS,
    seed: int = 0,
) -> Calibration:
    """Fit a threshold that keeps as much good speech as it can at the wanted ``precision``.

    ``tags`` are columns (language, dialect, style, …) of one value a row; each value becomes a
    slice ``column=value``. Rows whose figure is NaN were not applicable and are left out. Raises
    ``UsageError`` where there is nothing to fit, or no threshold is precise enough.
    """
    keep = Keep(keep)
    _check(figures, good, precision, tags or {})
    applicable = ~np.isnan(figures)
    figures, good = figures[applicable], good[applicable]
    if not good.any():
        raise UsageError("no utterance with a figure is labelled good; label some to fit to")
    threshold = fit_threshold(figures, good, keep=keep, precision=precision)
    if threshold is None:
        raise UsageError(
            f"no threshold reaches a precision of {precision:g} on {len(good)} labels; "
            f"the best is {_best_precision(figures, good, keep):.3f}: ask for that or less, "
            "or judge by another score"
        )
    memberships = {"all": np.ones(len(good), dtype=bool)}
    for column, values in (tags or {}).items():
        of_row = np.asarray(values, dtype=object)[applicable]
        memberships |= {f"{column}={v}": of_row == v for v in sorted(set(of_row.tolist()))}
    drawn = _draw(figures, good, keep, precision, memberships, draws, seed)
    costs = [
        _cost(
            tag, member, good, _passes(figures, threshold, keep), drawn.of_slices[tag], confidence
        )
        for tag, member in memberships.items()
    ]
    return Calibration(
        keep,
        precision,
        confidence,
        _interval(threshold, drawn.thresholds, confidence),
        costs[0],
        tuple(costs[1:]),
    )


def fit_threshold(figures: Figures, good: Labels, *, keep: Keep, precision: float) -> float | None:
    """Return the loosest figure whose kept rows are good at ``precision``; None: there is none.

    Only figures that occur are tried, so rows of equal figure are kept or lost together.
    """
    candidates, precisions = _precisions(figures, good, keep)
    reached = np.flatnonzero(precisions >= precision)
    return float(candidates[reached[-1]]) if len(reached) else None


def _best_precision(figures: Figures, good: Labels, keep: Keep) -> float:
    return float(_precisions(figures, good, keep)[1].max())


def _precisions(figures: Figures, good: Labels, keep: Keep) -> tuple[Figures, Figures]:
    """Return the figures that occur, strictest first, and the precision of each as threshold."""
    signed = figures if keep is Keep.AT_MOST else -figures
    order = np.argsort(signed, kind="stable")
    ascending = signed[order]
    last_of_equal = np.flatnonzero(np.append(ascending[1:] != ascending[:-1], True))
    precisions = np.cumsum(good[order])[last_of_equal] / (last_of_equal + 1)
    candidates = ascending[last_of_equal]
    return (candidates if keep is Keep.AT_MOST else -candidates), precisions


def _passes(figures: Figures, threshold: float, keep: Keep) -> Labels:
    passes: Labels = figures <= threshold if keep is Keep.AT_MOST else figures >= threshold
    return passes


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What the draws gave: thresholds ``[draws]``, and per slice (good kept, precision)."""

    thresholds: Figures
    of_slices: Mapping[str, tuple[Figures, Figures]]


def _draw(
    figures: Figures,
    good: Labels,
    keep: Keep,
    precision: float,
    memberships: Mapping[str, Labels],
    draws: int,
    seed: int,
) -> _Drawn:
    chance = np.random.default_rng(seed)
    thresholds = np.full(draws, np.nan)
    of_slices = {tag: (np.full(draws, np.nan), np.full(draws, np.nan)) for tag in memberships}
    for draw in range(draws):
        rows = chance.integers(0, len(good), len(good))
        threshold = fit_threshold(figures[rows], good[rows], keep=keep, precision=precision)
        if threshold is None:
            continue
        thresholds[draw] = threshold
        passes, is_good = _passes(figures[rows], threshold, keep), good[rows]
        for tag, member in memberships.items():
            inside = member[rows]
            kept, precise = of_slices[tag]
            kept[draw], precise[draw] = _shares(inside, is_good, passes)
    return _Drawn(thresholds, of_slices)


def _shares(inside: Labels, good: Labels, passes: Labels) -> tuple[float, float]:
    """Return the share of good rows that pass, and of good rows among those that pass."""
    kept_good = int(np.count_nonzero(inside & good & passes))
    all_good = int(np.count_nonzero(inside & good))
    kept = int(np.count_nonzero(inside & passes))
    return (
        kept_good / all_good if all_good else math.nan,
        kept_good / kept if kept else math.nan,
    )


def _cost(
    tag: str,
    member: Labels,
    good: Labels,
    passes: Labels,
    drawn: tuple[Figures, Figures],
    confidence: float,
) -> SliceCost:
    good_kept, precision = _shares(member, good, passes)
    return SliceCost(
        tag,
        int(np.count_nonzero(member)),
        int(np.count_nonzero(member & passes)),
        _interval(good_kept, drawn[0], confidence),
        _interval(precision, drawn[1], confidence),
    )


def _interval(value: float, drawn: Figures, confidence: float) -> Estimate:
    """Return the percentile interval; NaN ends where too many draws say nothing."""
    known = drawn[~np.isnan(drawn)]
    if len(known) < confidence * len(drawn) or not len(known):
        return Estimate(value, math.nan, math.nan)
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(known, [tail, 1.0 - tail])
    return Estimate(value, float(low), float(high))


def _check(
    figures: Figures, good: Labels, precision: float, tags: Mapping[str, Sequence[str]]
) -> None:
    lengths = {"labels": len(good)} | {name: len(values) for name, values in tags.items()}
    for name, length in lengths.items():
        if length != len(figures):
            raise UsageError(f"{len(figures)} figures and {length} of {name}; give one a row")
    if not 0.0 < precision <= 1.0:
        raise UsageError(f"a precision of {precision:g} is no share; give one above 0, at most 1")
