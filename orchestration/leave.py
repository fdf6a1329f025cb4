"""Which voices a run may use: the book and the ledger that the settings name, and the day.

A corpus remembers the book that it was last written or judged with, so that a withdrawal holds in
commands that name none.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from omegaconf import DictConfig

from lauter.datasets.consent import LEDGER, Leave, read_ledger
from lauter.datasets.errors import UsageError
from lauter.datasets.location import Location, location_of, write_whole
from lauter.datasets.voice_book import read_book
from lauter.datasets.voices import Use

BOOK: Final = "book_of_voices.txt"
"""Stands in a corpus: where the book lies that it was last written or judged with."""


def leave_of(settings: DictConfig) -> Leave:
    """Return what may be used today; raises ``UsageError`` for a faulty book or ledger.

    Where the settings name no book, it is the one that their corpus remembers.
    """
    use, today = Use(settings.use), datetime.now(UTC).date()
    book = _book_of(settings)
    if book is None:
        return Leave(use, today)
    voices = tuple(voice for known in read_book(book).values() for voice in known.voices)
    return Leave(use, today, voices, tuple(read_ledger(book.parent / LEDGER)))


def remember_book(settings: DictConfig, corpus: Location) -> None:
    """Keep in a corpus where the book lies that the settings name, if they do."""
    if settings.voices.book is not None:
        write_whole(corpus / BOOK, f"{Path(settings.voices.book).resolve()}\n")


def _book_of(settings: DictConfig) -> Path | None:
    if settings.voices.book is not None:
        return Path(settings.voices.book)
    kept = location_of(settings.corpus) / BOOK
    if not kept.exists():
        return None
    book = Path(kept.read_text(encoding="utf-8").strip())
    if not book.exists():
        raise UsageError(
            f"the corpus {settings.corpus} was used with the book of voices {book}, which is not "
            "there; set voices.book to where it is now"
        )
    return book


def ledger_of(settings: DictConfig) -> Path:
    """Return where the ledger lies; raises ``UsageError`` where no book is named."""
    if settings.voices.book is None:
        raise UsageError("no book of voices is named; set voices.book, beside which the ledger is")
    return Path(settings.voices.book).parent / LEDGER
