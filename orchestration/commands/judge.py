"""`lauter judge`: judge the corpus anew under a policy, without touching a model."""

from omegaconf import DictConfig
from rich.console import Console

from lauter.datasets.corpus import Corpus
from lauter.orchestration.making import make_policy
from lauter.orchestration.run_record import RunRecord
from lauter.orchestration.tables import print_summary
from lauter.pipelines.judge import judge_corpus
from lauter.pipelines.summary import summarise


def run(settings: DictConfig, console: Console) -> int:
    """Judge every row and print the new table."""
    record = RunRecord("judge", settings)
    policy = make_policy(settings)
    corpus = Corpus.open(settings.corpus)
    with corpus.writing() as writer:
        judge_corpus(corpus, writer, policy)
    if settings.tag:
        corpus.tag(settings.tag)
    summary = summarise(corpus, policy.digest)
    record.facts |= {
        "policy": {"name": policy.name, "digest": policy.digest},
        "summary": summary.as_dict(),
        "digest": corpus.digest(),
    }
    record.write(settings.corpus)
    print_summary(console, summary, settings.price_per_core_hour, settings.currency)
    return 0
