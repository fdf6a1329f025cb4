"""`lauter audit`: the report page, and the table."""

from pathlib import Path

from omegaconf import DictConfig
from rich.console import Console

from lauter.datasets.corpus import Corpus
from lauter.filters.policy import parse_policy
from lauter.orchestration.audit.page import write_page
from lauter.orchestration.tables import print_places, print_summary


def run(settings: DictConfig, console: Console) -> int:
    """Write the page of the policy that the corpus was last judged under."""
    corpus = Corpus.open(settings.corpus, version=settings.audit.version)
    corpus.verdicts()  # says so, if it was not judged
    policy = parse_policy(corpus.policy_yaml(corpus.policies()[-1]))
    page = Path(settings.audit.page)
    price, currency = settings.price_per_core_hour, settings.currency
    with console.status("writing the report"):
        facts = write_page(page, corpus, policy, settings.audit.samples, price, currency)
    console.print(f"judged under the policy '{policy.name}'")
    print_summary(console, facts.summary, price, currency)
    print_places(console, corpus.path, page)
    return 0
