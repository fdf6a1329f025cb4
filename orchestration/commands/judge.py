"""`lauter judge`: judge the corpus anew under a policy, without touching a model."""

from omegaconf import DictConfig
from rich.console import Console

from lauter.datasets.corpus import Corpus
from lauter.filters.catalogue import known_scores
from lauter.filters.policy import check_scores
from lauter.orchestration.leave import leave_of, remember_book
from lauter.orchestration.making import make_policy
from lauter.orchestration.pricing import prices_of
from lauter.orchestration.run_record import RunRecord
from lauter.orchestration.tables import print_places, print_summary
from lauter.pipelines.judge import judge_corpus


def run(settings: DictConfig, console: Console) -> int:
    """Judge every row and print the new table."""
    record = RunRecord("judge", settings)
    policy = make_policy(settings)
    leave = leave_of(settings)
    corpus = Corpus.open(settings.corpus)
    remember_book(settings, corpus.path)
    check_scores(policy, known_scores(corpus.schema.names))
    with corpus.writing() as writer, console.status("judging"):
        judge_corpus(corpus, writer, policy, leave)
    if settings.tag:
        corpus.tag(settings.tag)
    summary = record.count(corpus, policy)
    record.write(corpus.path)
    print_summary(console, summary, prices_of(settings))
    print_places(console, corpus.path)
    return 0
