"""`lauter audit`: the report page, and the table."""

from omegaconf import DictConfig
from rich.console import Console

from lauter.datasets.corpus import Corpus
from lauter.datasets.location import location_of
from lauter.filters.policy import parse_policy
from lauter.orchestration.audit.page import write_page
from lauter.orchestration.pricing import prices_of
from lauter.orchestration.tables import print_places, print_summary


def run(settings: DictConfig, console: Console) -> int:
    """Write the page of the policy that the corpus was last judged under."""
    corpus = Corpus.open(settings.corpus, version=settings.audit.version)
    corpus.verdicts()  # says so, if it was not judged
    policy = parse_policy(corpus.policy_yaml(corpus.policies()[-1]))
    page = location_of(settings.audit.page)
    prices = prices_of(settings)
    with console.status("writing the report"):
        facts = write_page(page, corpus, policy, settings.audit.samples, prices)
    console.print(f"judged under the policy '{policy.name}'")
    print_summary(console, facts.summary, prices)
    print_places(console, corpus.path, page)
    return 0
