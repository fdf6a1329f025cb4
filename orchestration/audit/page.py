"""The audit page as HTML: one file that plays its own sounds and asks nothing of the network."""

import base64
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from lauter.orchestration.audit.facts import AuditFacts, interval
from lauter.orchestration.audit.plots import histogram


def render(
    facts: AuditFacts, corpus: str, digest: str, price_per_core_hour: float, currency: str
) -> str:
    """Return the page."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True
    )
    environment.filters["base64"] = lambda data: base64.b64encode(data).decode()
    cost = facts.summary.cost_per_accepted_hour(price_per_core_hour)
    return environment.get_template("page.html").render(
        facts=facts,
        s=facts.summary,
        corpus=corpus,
        digest=digest,
        interval=interval,
        cost="-" if cost is None else f"{cost:.2f} {currency}",
        reasons={gate.name: gate.reason for gate in facts.policy.gates},
        plots=[
            {
                "svg": histogram(distribution, distribution.gate.thresholds),
                "reason": f"{distribution.gate.name}: {distribution.gate.reason}",
            }
            for distribution in facts.distributions
        ],
        total_seconds=sum(facts.summary.stage_seconds.values()) or 1.0,
    )
