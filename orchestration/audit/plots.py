"""Histograms of the audit page, as SVG that takes its colours from the page.

Drawn by hand rather than by a plotting library: the page is read in light and dark, a hundred of
them must stay small, and a screen reader needs a sentence, all of which the style sheet and two
attributes give.
"""

import math
from html import escape

import numpy as np
from numpy.typing import NDArray

from lauter.orchestration.audit.distributions import Panel

BINS = 32
WIDTH, HEIGHT = 320, 118
LEFT, RIGHT, TOP, BOTTOM = 8, 312, 16, 96


def histogram(score: str, panel: Panel) -> str:
    """Return the SVG of one panel: accepted under rejected figures, thresholds as dashed lines."""
    low, high = limits(panel)
    edges = np.linspace(low, high, BINS + 1)
    accepted = np.histogram(np.clip(panel.accepted, low, high), edges)[0]
    rejected = np.histogram(np.clip(panel.rejected, low, high), edges)[0]
    tallest = max(1, int((accepted + rejected).max()))
    told = escape(_told(score, panel))
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{told}">',
        f'<line class="axis" x1="{LEFT}" x2="{RIGHT}" y1="{BOTTOM}" y2="{BOTTOM}"/>',
    ]
    step = (RIGHT - LEFT) / BINS
    for number in range(BINS):
        floor = float(BOTTOM)
        for kind, count in (("yes", int(accepted[number])), ("no", int(rejected[number]))):
            if not count:
                continue
            # A single figure must be seen beside thousands.
            height = max(2.0, count / tallest * (BOTTOM - TOP))
            floor -= height
            between = f"{_figure(edges[number])} to {_figure(edges[number + 1])}"
            word = "accepted" if kind == "yes" else "rejected"
            parts.append(
                f'<rect class="{kind}" x="{LEFT + number * step + 0.5:.1f}" y="{floor:.1f}" '
                f'width="{step - 1:.1f}" height="{height:.1f}">'
                f"<title>{between}: {count} {word}</title></rect>"
            )
    for threshold in panel.thresholds:
        x = _place(threshold, low, high)
        anchor = "end" if x > (LEFT + RIGHT) / 2 else "start"
        parts.append(
            f'<line class="threshold" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 4}" y2="{BOTTOM}"/>'
            f'<text class="threshold" x="{x:.1f}" y="{TOP - 6}" text-anchor="{anchor}">'
            f"{_figure(threshold)}</text>"
        )
    for tick in ticks(low, high):
        x = _place(tick, low, high)
        parts.append(
            f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{BOTTOM}" y2="{BOTTOM + 3}"/>'
            f'<text x="{x:.1f}" y="{BOTTOM + 15}" text-anchor="middle">{_figure(tick)}</text>'
        )
    return "".join([*parts, "</svg>"])


def limits(panel: Panel) -> tuple[float, float]:
    """Return where the axis begins and ends: the thresholds and 98 % of the figures lie within.

    What lies outside is counted in the outermost bars, so that one stray figure does not press
    all others into one.
    """
    figures = np.concatenate([panel.accepted, panel.rejected])
    low, high = np.percentile(figures, [1, 99])
    low, high = min(low, *panel.thresholds), max(high, *panel.thresholds)
    margin = (high - low) * 0.04 or abs(high) * 0.1 or 0.5
    return float(low - margin), float(high + margin)


def ticks(low: float, high: float) -> list[float]:
    """Return two to six round figures between ``low`` and ``high``."""
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(size * power for size in (1, 2, 5, 10) if size * power >= rough)
    first = math.ceil(low / step)
    return [number * step for number in range(first, math.floor(high / step) + 1)]


def _place(figure: float, low: float, high: float) -> float:
    return LEFT + (figure - low) / (high - low) * (RIGHT - LEFT)


def _figure(figure: float) -> str:
    return f"{figure:.3g}".replace("-", "\N{MINUS SIGN}")


def _told(score: str, panel: Panel) -> str:
    """Return the plot in words."""
    bounds = " and ".join(
        f"{word} {_figure(figure)}"
        for word, figure in (("at least", panel.bounds.lower), ("at most", panel.bounds.upper))
        if math.isfinite(figure)
    )
    return (
        f"{score}, {panel.label}, must be {bounds}. "
        f"{_spread(panel.accepted, 'accepted')}; {_spread(panel.rejected, 'rejected')}."
    )


def _spread(figures: NDArray[np.float64], word: str) -> str:
    if not len(figures):
        return f"none {word}"
    low, middle, high = np.percentile(figures, [5, 50, 95])
    return (
        f"{len(figures)} {word}, median {_figure(middle)}, "
        f"nine in ten from {_figure(low)} to {_figure(high)}"
    )
