"""Which voices a run may use: the book and the ledger that the settings name, and the day."""

from datetime import UTC, datetime
from pathlib import Path

from omegaconf import DictConfig

from lauter.datasets.consent import LEDGER, Leave, read_ledger
from lauter.datasets.errors import UsageError
from lauter.datasets.voice_book import read_book
from lauter.datasets.voices import Use


def leave_of(settings: DictConfig) -> Leave:
    """Return what may be used today; raises ``UsageError`` for a faulty book or ledger."""
    use, today = Use(settings.use), datetime.now(UTC).date()
    if settings.voices.book is None:
        return Leave(use, today)
    book = Path(settings.voices.book)
    voices = tuple(voice for known in read_book(book).values() for voice in known.voices)
    return Leave(use, today, voices, tuple(read_ledger(ledger_of(settings))))


def ledger_of(settings: DictConfig) -> Path:
    """Return where the ledger lies; raises ``UsageError`` where no book is named."""
    if settings.voices.book is None:
        raise UsageError("no book of voices is named; set voices.book, beside which the ledger is")
    return Path(settings.voices.book).parent / LEDGER
