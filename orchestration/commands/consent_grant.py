"""`lauter consent grant`: write into the ledger what a voice may be used for."""

from omegaconf import DictConfig
from rich.console import Console

from lauter.datasets.consent import Consent, Event, append, checked_day, now, uses_of
from lauter.datasets.errors import UsageError
from lauter.datasets.suggestion import check_known
from lauter.orchestration.consent_words import check_to_come, signed_by, voice_named
from lauter.orchestration.leave import leave_of, ledger_of


def run(settings: DictConfig, console: Console) -> int:
    """Append a grant, for a voice that the book has or the ledger knows."""
    given = settings.consent
    voice = voice_named(settings, "consent grant")
    ledger, leave = ledger_of(settings), leave_of(settings)
    if given.erase:
        raise UsageError("consent.erase belongs to `lauter consent withdraw`; leave it out")
    known = {one.speaker for one in leave.book} | {one.voice for one in leave.ledger}
    check_known(voice, known, f"neither the book nor its ledger has a voice '{voice}'")
    uses = uses_of(given.uses, "consent.uses")
    until = checked_day(given.until, "consent.until")
    told = leave.people(()).get(voice)
    last = until or (told.expires if told else "")
    check_to_come(last, voice, "consent.until")
    append(
        ledger, Consent(now(), voice, Event.GRANTED, signed_by(settings), uses, until, given.note)
    )
    allowed = uses or (told.uses if told else ())
    console.print(
        f"wrote into {ledger} that the voice '{voice}' may be used for "
        f"{', '.join(allowed) or 'what is said of it elsewhere'}"
        f"{f', until {last}' if last else ''}"
    )
    return 0
