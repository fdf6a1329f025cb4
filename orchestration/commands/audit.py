"""`lauter audit`: the report page, and the table."""

from pathlib import Path

from omegaconf import DictConfig
from rich.console import Console

from lauter.datasets.corpus import Corpus
from lauter.filters.policy import parse_policy
from lauter.orchestration.audit.facts import gather
from lauter.orchestration.audit.page import render
from lauter.orchestration.tables import print_summary


def run(settings: DictConfig, console: Console) -> int:
    """Write the page of the policy that the corpus was last judged under."""
    corpus = Corpus.open(settings.corpus, version=settings.audit.version)
    corpus.verdicts()  # says so, if it was not judged
    policy = parse_policy(corpus.policy_yaml(corpus.policies()[-1]))
    facts = gather(corpus, policy, settings.audit.samples)
    page = Path(settings.audit.page)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(
        render(
            facts,
            str(settings.corpus),
            corpus.digest(),
            settings.price_per_core_hour,
            settings.currency,
        ),
        encoding="utf-8",
    )
    print_summary(console, facts.summary, settings.price_per_core_hour, settings.currency)
    console.print(f"report with playable samples: {page}")
    return 0
