"""`lauter import`: speech made elsewhere is scored, judged and kept like our own."""

from omegaconf import DictConfig
from rich.console import Console

from lauter.datasets.corpus import Corpus
from lauter.orchestration.leave import leave_of, remember_book
from lauter.orchestration.making import make, make_scoring
from lauter.orchestration.pricing import prices_of
from lauter.orchestration.progress import speech_progress
from lauter.orchestration.run_record import RunRecord
from lauter.orchestration.song_yield import SONG, print_song_yield, song_yield
from lauter.orchestration.tables import print_places, print_summary
from lauter.pipelines.bring_in import import_speech


def run(settings: DictConfig, console: Console) -> int:
    """Read the source, keep what is new, and print the table."""
    record = RunRecord("import", settings)
    source = make(settings, "source")
    scoring = make_scoring(settings)
    leave = leave_of(settings)
    corpus = Corpus.create(settings.corpus, exist_ok=True)
    remember_book(settings, corpus.path)
    with speech_progress(console, "importing") as progress:
        added = import_speech(
            source,
            corpus,
            open_scorers=scoring.open_scorers,
            policy=scoring.policy,
            engine=scoring.engine,
            scoring=scoring.resources,
            threads=settings.score.threads,
            leave=leave,
            on_start=progress.start,
            on_batch=progress.advance,
        )
    if settings.tag:
        corpus.tag(settings.tag)
    summary = record.count(corpus, scoring.policy)
    record.facts["added"] = added
    record.write(corpus.path)
    print_summary(console, summary, prices_of(settings))
    console.print(f"added {added} rows")
    if SONG in corpus.schema.names:
        print_song_yield(console, song_yield(corpus))
    print_places(console, corpus.path)
    return 0
