"""`lauter import`: speech made elsewhere is scored, judged and kept like our own."""

from omegaconf import DictConfig
from rich.console import Console

from lauter.datasets.corpus import Corpus
from lauter.orchestration.making import make, make_scoring
from lauter.orchestration.progress import speech_progress
from lauter.orchestration.run_record import RunRecord
from lauter.orchestration.tables import print_summary
from lauter.pipelines.bring_in import import_speech
from lauter.pipelines.summary import summarise


def run(settings: DictConfig, console: Console) -> int:
    """Read the source, keep what is new, and print the table."""
    record = RunRecord("import", settings)
    source = make(settings, "source")
    scoring = make_scoring(settings)
    corpus = Corpus.create(settings.corpus, exist_ok=True)
    with speech_progress(console) as progress:
        added = import_speech(
            source,
            corpus,
            open_scorers=scoring.open_scorers,
            policy=scoring.policy,
            engine=scoring.engine,
            scoring=scoring.resources,
            threads=settings.score.threads,
            on_batch=progress.advance,
        )
    if settings.tag:
        corpus.tag(settings.tag)
    summary = summarise(corpus, scoring.policy.digest)
    record.facts |= {"added": added, "summary": summary.as_dict(), "digest": corpus.digest()}
    path = record.write(settings.corpus)
    print_summary(console, summary, settings.price_per_core_hour, settings.currency)
    console.print(f"added {added} rows; corpus: {settings.corpus}, account of the run: {path}")
    return 0
