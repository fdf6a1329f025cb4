"""`lauter derive`: edits of what a corpus has, scored and judged like all else."""

from omegaconf import DictConfig
from rich.console import Console

from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError
from lauter.datasets.lineage import Derivation
from lauter.datasets.suggestion import check_known
from lauter.filters.policy import Policy
from lauter.orchestration.leave import leave_of, remember_book
from lauter.orchestration.making import make_scoring
from lauter.orchestration.pricing import prices_of
from lauter.orchestration.progress import speech_progress
from lauter.orchestration.run_record import RunRecord
from lauter.orchestration.tables import print_places, print_summary
from lauter.pipelines.derive import derive


def run(settings: DictConfig, console: Console) -> int:
    """Edit, score and judge what the corpus does not have yet, and print the corpus's table."""
    derivations = [_derivation(word) for word in settings.derive.edits]
    if not derivations:
        raise UsageError(f"derive.edits is empty; choose from {', '.join(Derivation)}")
    scoring = make_scoring(settings)
    corpus = Corpus.open(settings.corpus)
    _check_policy(corpus, scoring.policy)
    remember_book(settings, corpus.path)
    record = RunRecord("derive", settings)
    with speech_progress(console) as progress:
        added = derive(
            corpus, derivations,
            seed=settings.seed, where=settings.derive.where,
            open_scorers=scoring.open_scorers, policy=scoring.policy,
            engine=scoring.engine, scoring=scoring.resources, leave=leave_of(settings),
            on_start=progress.start, on_batch=progress.advance,
        )  # fmt: skip
    corpus.refresh()
    summary = record.count(corpus, scoring.policy)
    record.write(corpus.path)
    print_summary(console, summary, prices_of(settings))
    console.print(f"added {added} rows")
    print_places(console, corpus.path)
    return 0


def _check_policy(corpus: Corpus, policy: Policy) -> None:
    """Raise ``UsageError`` where what is accepted was decided by a policy of another name."""
    last = next((corpus.policy_name(one) for one in reversed(corpus.policies())), policy.name)
    if last != policy.name:
        raise UsageError(
            f"the corpus {corpus.path} was judged under the policy '{last}' and would be edited "
            f"and judged under '{policy.name}'; set policy={last}, or judge it anew first: "
            f"`lauter judge corpus={corpus.path} policy={policy.name}`"
        )


def _derivation(word: str) -> Derivation:
    check_known(word, list(Derivation), f"derive.edits has '{word}', which is no edit")
    return Derivation(word)
