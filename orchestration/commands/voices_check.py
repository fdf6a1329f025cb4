"""`lauter voices check`: look through the speaker book, and the corpus's voices if there is one."""

from pathlib import Path

from omegaconf import DictConfig
from rich.console import Console

from lauter.datasets.corpus import Corpus
from lauter.datasets.corpus_layout import MARK
from lauter.datasets.errors import UsageError
from lauter.datasets.location import location_of
from lauter.datasets.voice_book import read_book
from lauter.orchestration.leave import leave_of
from lauter.pipelines.reference_listener import ReferenceListener
from lauter.pipelines.voice_check import check_book


def run(settings: DictConfig, console: Console) -> int:
    """Print a line a voice, then near doubles; faults are exit code 2."""
    if settings.voices.book is None:
        raise UsageError("no book of voices is named; set voices.book=voices.jsonl")
    book, leave = read_book(Path(settings.voices.book)), leave_of(settings)
    there = location_of(settings.corpus)
    corpus = Corpus.open(there) if (there / MARK).exists() else None
    with console.status("listening"):
        checked = check_book(book, ReferenceListener(), corpus)
    forbidden = leave.forbidden(voice for known in book.values() for voice in known.voices)
    for speaker, known in book.items():
        count = len(known.recordings)
        standing = forbidden.get(speaker) or f"may be used for {settings.use}"
        console.print(
            f"{speaker} ({', '.join(known.dialects)}): "
            f"{count} recording{'' if count == 1 else 's'}; {standing}"
        )
    for pair in checked.pairs:
        console.print(
            f"{pair.first} and {pair.second} may be one person: their cosine is {pair.cosine:.2f}, "
            f"and different voices seldom reach {pair.bound:.2f}"
        )
    if checked.faults:
        raise UsageError("\n".join(one for found in checked.faults.values() for one in found))
    return 0
