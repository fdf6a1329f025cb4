"""Plots of the audit page, as SVG text."""

import io
import re

import matplotlib as mpl

from lauter.orchestration.audit.facts import Distribution

mpl.use("svg")
# One id for the same drawing, so that a page made twice is the same page.
mpl.rcParams["svg.hashsalt"] = "lauter"

ACCEPTED, REJECTED = "#2a7f6f", "#c4553b"


def histogram(distribution: Distribution, thresholds: list[float]) -> str:
    """Return a histogram of accepted over rejected figures, with the thresholds as lines."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2, 1.9), layout="constrained")
    axes = figure.subplots()
    every = [*distribution.accepted, *distribution.rejected, *thresholds]
    bins = 30 if min(every) < max(every) else 10
    axes.hist(
        [distribution.accepted, distribution.rejected],
        bins=bins,
        stacked=True,
        color=[ACCEPTED, REJECTED],
        label=["accepted", "rejected"],
    )
    for threshold in thresholds:
        axes.axvline(threshold, color="#333333", linestyle="--", linewidth=1)
    axes.set_xlabel(distribution.gate.score)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    return _svg(figure)


def _svg(figure: object) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})  # type: ignore[attr-defined]
    svg = text.getvalue()
    return re.sub(r"^.*?(?=<svg)", "", svg, flags=re.DOTALL)
