"""Charts of points with intervals and of lines, as SVG that takes its colours from the page.

Drawn like the audit page's histograms (``audit/plots.py``), and for the same reasons.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path

from lauter.orchestration.audit.plots import ticks

WIDTH, HEIGHT = 480, 270
LEFT, RIGHT, TOP, BOTTOM = 46, 456, 40, 226
_HERE = Path(__file__).parent
_PAGE_STYLE = _HERE.parent / "audit" / "page.css"


@dataclass(frozen=True)
class Series:
    """Points joined to a line, each with an interval where ``intervals`` are given.

    ``kind`` is the colour: mark, yes, no or soft. A dashed line has no points: it is for what was
    reckoned and not simulated.
    """

    label: str
    kind: str
    points: tuple[tuple[float, float], ...]
    intervals: tuple[tuple[float, float], ...] = ()
    dashed: bool = False


@dataclass(frozen=True)
class Axis:
    """What an axis shows; on a logarithmic one each step is as many times as much."""

    label: str
    low: float
    high: float
    logarithmic: bool = False

    def place(self, figure: float, start: float, end: float) -> float:
        """Return where a figure lies between ``start`` and ``end``."""
        low, high, at = self.low, self.high, figure
        if self.logarithmic:
            low, high, at = math.log(low), math.log(high), math.log(at)
        return start + (at - low) / (high - low) * (end - start)

    def ticks(self) -> list[float]:
        """Return round figures within the axis."""
        if not self.logarithmic:
            return ticks(self.low, self.high)
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        # A wide axis has no room for more than the powers themselves.
        steps = (1, 2, 5) if self.high / self.low < 1e3 else (1,)
        found = [step * 10.0**power for power in powers for step in steps]
        return [figure for figure in found if self.low <= figure <= self.high]


def axis(label: str, figures: Sequence[float], *, logarithmic: bool = False) -> Axis:
    """Return an axis on which all figures lie, with a margin; a linear one begins at 0."""
    low, high = min(figures), max(figures)
    if logarithmic:
        margin = (high / low) ** 0.05 if high > low else 2.0
        return Axis(label, low / margin, high * margin, logarithmic=True)
    return Axis(label, min(0.0, low), (high - min(0.0, low)) * 1.05 + min(0.0, low) or 1.0)


def chart(series: Sequence[Series], x: Axis, y: Axis, *, told: str) -> str:
    """Return the SVG; ``told`` says to a screen reader what there is to see."""

    def at(point: tuple[float, float]) -> tuple[float, float]:
        return x.place(point[0], LEFT, RIGHT), y.place(point[1], BOTTOM, TOP)

    parts = [
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(told)}">',
        *_axes(x, y),
    ]
    for number, one in enumerate(series):
        parts.extend(_drawn(one, at, y.low))
        parts.extend(_key(one, number, len(series)))
    return "".join([*parts, "</svg>"])


def standalone(svg: str) -> str:
    """Return a chart as a file of its own, with its colours and its ground."""
    palette = [line for line in _PAGE_STYLE.read_text().splitlines() if ":root {" in line]
    style = "\n".join([*palette, (_HERE / "chart.css").read_text()])
    head, body = svg.split(">", 1)
    ground = '<rect class="ground" width="100%" height="100%"/>'
    head = head.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    return f"{head}><style>{style}</style>{ground}{body}\n"


def figure(value: float) -> str:
    """Return a figure as it is written beside an axis."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}".replace("-", "\N{MINUS SIGN}")


def _axes(x: Axis, y: Axis) -> Iterator[str]:
    yield f'<line class="axis" x1="{LEFT}" x2="{RIGHT}" y1="{BOTTOM}" y2="{BOTTOM}"/>'
    for tick in x.ticks():
        place = f"{x.place(tick, LEFT, RIGHT):.1f}"
        yield (
            f'<line class="axis" x1="{place}" x2="{place}" y1="{BOTTOM}" y2="{BOTTOM + 4}"/>'
            f'<text x="{place}" y="{BOTTOM + 16}" text-anchor="middle">{figure(tick)}</text>'
        )
    for tick in y.ticks():
        height = y.place(tick, BOTTOM, TOP)
        yield (
            f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{height:.1f}" y2="{height:.1f}"/>'
            f'<text x="{LEFT - 5}" y="{height + 3.5:.1f}" text-anchor="end">{figure(tick)}</text>'
        )
    middle = (LEFT + RIGHT) / 2
    yield f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x.label)}</text>'
    yield f'<text x="4" y="12">{escape(y.label)}</text>'


def _drawn(
    series: Series, at: Callable[[tuple[float, float]], tuple[float, float]], lowest: float
) -> Iterator[str]:
    style = f"{series.kind} dashed" if series.dashed else series.kind
    for before, after in pairwise(map(at, series.points)):
        yield (
            f'<line class="line {style}" x1="{before[0]:.1f}" y1="{before[1]:.1f}" '
            f'x2="{after[0]:.1f}" y2="{after[1]:.1f}"/>'
        )
    if series.dashed:
        return
    for place, point in enumerate(series.points):
        across, down = at(point)
        told = f"{figure(point[0])}: {figure(point[1])}"
        if series.intervals:
            low, high = series.intervals[place]
            told += f" ({figure(low)} to {figure(high)})"
            # An interval may reach below what a logarithmic axis knows.
            ends = at((point[0], max(low, lowest)))[1], at((point[0], high))[1]
            yield (
                f'<line class="interval {style}" x1="{across:.1f}" x2="{across:.1f}" '
                f'y1="{ends[0]:.1f}" y2="{ends[1]:.1f}"/>'
            )
        yield (
            f'<circle class="dot {style}" cx="{across:.1f}" cy="{down:.1f}" r="3">'
            f"<title>{escape(series.label)}, {told}</title></circle>"
        )


def _key(series: Series, number: int, of: int) -> Iterator[str]:
    start = LEFT + number * (RIGHT - LEFT) / of
    style = f"{series.kind} dashed" if series.dashed else series.kind
    yield (
        f'<line class="line {style}" x1="{start:.1f}" x2="{start + 18:.1f}" y1="26" y2="26"/>'
        f'<text x="{start + 23:.1f}" y="29.5">{escape(series.label)}</text>'
    )
