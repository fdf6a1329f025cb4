"""The audit page as HTML: one file that plays its own sounds and asks nothing of the network."""

import math
from pathlib import Path
from typing import Any

from lauter.datasets.corpus import Corpus
from lauter.datasets.location import Location, write_whole
from lauter.filters.policy import Bounds, Gate, Policy
from lauter.orchestration.audit.facts import AuditFacts, gather
from lauter.orchestration.audit.intervals import Share
from lauter.orchestration.audit.plots import histogram
from lauter.orchestration.durations import length_of_time
from lauter.orchestration.single_page import check_replaceable, generator_mark
from lauter.orchestration.single_page import render as render_template
from lauter.pipelines.cost import Prices


def write_page(
    page: Location, corpus: Corpus, policy: Policy, samples: int, prices: Prices
) -> AuditFacts:
    """Write the page of ``corpus`` under ``policy``, whole or not at all; return what it shows."""
    check_replaceable(page, generator_mark("audit"))
    facts = gather(corpus, policy, samples)
    html = render(facts, str(corpus.path), corpus.digest(), prices)
    write_whole(page, html)
    return facts


def render(facts: AuditFacts, corpus: str, digest: str, prices: Prices) -> str:
    """Return the page; the same corpus, policy and prices give the same page."""
    summary = facts.summary
    cost = summary.cost_per_accepted_hour(prices)
    return render_template(
        "page.html",
        Path(__file__).parent,
        filters=_FILTERS,
        facts=facts,
        s=summary,
        total=Share(summary.accepted, summary.asked),
        cells=[(cell, Share(cell.accepted, cell.asked)) for cell in summary.cells],
        corpus=corpus,
        digest=digest,
        cost="-" if cost is None else f"{cost:.2f} {prices.currency}",
        prices=prices,
        plots=[
            (gate, [(panel.label, histogram(gate.score, panel)) for panel in panels])
            for gate, panels in facts.distributions
        ],
        total_seconds=sum(summary.stage_seconds.values()) or 1.0,
    )


def gate_in_words(gate: Gate) -> str:
    """Return what a gate lets pass, slice by slice."""
    if gate.absent:
        return "where there is none"
    told = [_bounds_in_words(gate.bounds)]
    told += [
        f"{piece.column.replace('_', ' ')} {', '.join(map(str, piece.values))}: "
        f"{_bounds_in_words(piece.bounds)}"
        for piece in gate.slices
    ]
    told += [
        f"only {column.replace('_', ' ')} {', '.join(map(str, values))}"
        for column, values in gate.applies_to.items()
    ]
    return "; ".join(told)


def _bounds_in_words(bounds: Bounds) -> str:
    if math.isinf(bounds.lower):
        return "any" if math.isinf(bounds.upper) else f"at most {bounds.upper:g}"
    if math.isinf(bounds.upper):
        return f"at least {bounds.lower:g}"
    return f"{bounds.lower:g} to {bounds.upper:g}"


_FILTERS: dict[str, Any] = {
    "bounds": gate_in_words,
    "length_of_time": length_of_time,
}
