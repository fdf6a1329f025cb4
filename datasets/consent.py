"""Consent: what was granted and withdrawn, in the order in which it was said, and what follows.

The ledger is a file that only grows (``consents.jsonl`` beside the book of voices), so that it can
be shown later what was allowed when. What may be used today is a pure function of it, of what is
known of the voices, of the use and of the day.

Leave is a person's: what was said last of any voice of one ``identity`` holds for all of them, and
a voice made of others may be used where all of these may.
"""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from lauter.datasets.errors import UsageError
from lauter.datasets.imports.json_lines import json_lines
from lauter.datasets.voices import Use, Voice

LEDGER: Final = "consents.jsonl"
"""Stands beside the book of voices."""


class Event(StrEnum):
    """What happened to a voice's leave."""

    GRANTED = "granted"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Consent:
    """One line of the ledger.

    ``at`` is a time in UTC, ``by`` who said it. Of a grant, ``uses`` (none: what the voice is
    allowed otherwise) and ``until`` (an ISO date; empty: what is said otherwise) take the place of
    what the book says of the voice.
    """

    at: str
    voice: str
    event: Event
    by: str
    uses: tuple[Use, ...] = ()
    until: str = ""
    note: str = ""


def read_ledger(path: Path) -> list[Consent]:
    """Return what a ledger says, the oldest first; nothing where there is none.

    Raises ``UsageError`` for a line that cannot be understood: it might be a withdrawal.
    """
    if not path.exists():
        return []
    found = []
    for line, entry in json_lines(path):
        try:
            found.append(_consent(entry))
        except (UsageError, ValueError, TypeError, KeyError) as error:
            raise UsageError(
                f"{path} line {line} is no entry of a ledger ({error}); restore it from a copy, "
                "for it may be a withdrawal"
            ) from error
    return found


def append(path: Path, consent: Consent) -> None:
    """Add a line to a ledger; it is on the disk when this returns."""
    line = json.dumps(asdict(consent), ensure_ascii=False) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as file:
        # What a killed writer left of its line stays a line of its own, which readers complain of.
        file.seek(max(0, file.seek(0, os.SEEK_END) - 1))
        if file.read(1) not in (b"", b"\n"):
            file.write(b"\n")
        file.write(line.encode())
        file.flush()
        os.fsync(file.fileno())


def now() -> str:
    """Return the time as ledgers have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def checked_day(text: str, name: str) -> str:
    """Return an ISO date, or empty for none; raises ``UsageError`` for what is no date."""
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError as error:
        raise UsageError(f"{name} is '{text}', which is no date; write it as 2027-12-31") from error


@dataclass(frozen=True)
class Leave:
    """What may be used for ``use`` on the day ``today``, by a book of voices and its ledger.

    Without both there is still what each voice says of itself.
    """

    use: Use
    today: date
    book: tuple[Voice, ...] = ()
    ledger: tuple[Consent, ...] = ()

    def forbidden(self, voices: Iterable[Voice]) -> dict[str, str]:
        """Return by speaker, in a sentence, why a voice may not be used; those that may are not in.

        ``voices`` are those at hand, of a teacher or a corpus; what the book says of a speaker
        counts more. Names that only the ledger knows are answered for too.
        """
        people = self.people(voices)
        last = {consent.voice: consent for consent in self.ledger}
        names = [*people, *(name for name in last if name not in people)]
        reasons = ((name, self._reason(name, people, frozenset())) for name in names)
        return {name: reason for name, reason in reasons if reason is not None}

    def people(self, voices: Iterable[Voice]) -> dict[str, Voice]:
        """Return all known voices by speaker, as the book has them where it has them."""
        return {voice.speaker: voice for voice in (*voices, *self.book)}

    def knows(self, name: str) -> bool:
        """Return whether the book has a voice of this name or identity, or the ledger names it."""
        names = {one.speaker for one in self.book} | {one.identity for one in self.book}
        return name in names | {one.voice for one in self.ledger}

    def _reason(self, name: str, people: Mapping[str, Voice], above: frozenset[str]) -> str | None:
        voice = people.get(name)
        said = self._said_last(same_person(name, people.values()))
        if said is not None and said.event is Event.WITHDRAWN:
            who = f" by {said.by}" if said.by else ""
            return f"the consent for the voice '{name}' was withdrawn{who} on {said.at[:10]}"
        if voice is None:
            return None
        uses = (said and said.uses) or voice.uses
        if self.use not in uses:
            return (
                f"the voice '{name}' may not be used for {self.use}, only for {', '.join(uses)}"
                f"{'' if (said and said.uses) or voice.allowed_uses else f' ({voice.licence})'}"
            )
        until = (said and said.until) or voice.expires
        if until and date.fromisoformat(until) < self.today:
            return f"the leave for the voice '{name}' has expired: it was until {until}"
        for part in voice.made_of:
            if part not in above and part != name:
                reason = self._reason(part, people, above | {name})
                if reason is not None:
                    return f"the voice '{name}' is made of others, and {reason}"
        return None

    def _said_last(self, names: set[str]) -> Consent | None:
        return next((one for one in reversed(self.ledger) if one.voice in names), None)


def same_person(name: str, voices: Iterable[Voice]) -> set[str]:
    """Return the names under which a person is known: of ``name``, and of its identity."""
    voices = list(voices)
    own = {voice.identity for voice in voices if voice.speaker == name and voice.identity}
    identities = own | {name}
    return identities | {voice.speaker for voice in voices if voice.identity in identities}


def touched_speakers(name: str, voices: Iterable[Voice]) -> set[str]:
    """Return the speakers that a voice is heard in: its person's, and those made of any of them.

    Who else a voice is made of is not heard of: of a target that was lent a native's speech, what
    it says itself is not the native's.
    """
    voices = list(voices)
    found = same_person(name, voices)
    while True:
        more = {voice.speaker for voice in voices if found.intersection(voice.made_of)} - found
        if not more:
            return found
        found |= more


def _consent(entry: dict[str, Any] | str) -> Consent:
    if isinstance(entry, str):
        raise UsageError(entry)
    fields: dict[str, Any] = {**entry, "event": Event(entry["event"])}
    fields["uses"] = tuple(map(Use, entry.get("uses") or ()))
    fields["until"] = checked_day(entry.get("until") or "", "until")
    consent = Consent(**fields)
    words = (consent.at, consent.voice, consent.by, consent.note)
    if not consent.voice or not all(isinstance(word, str) for word in words):
        raise UsageError("it names no voice, or its time, voice, author or note is no text")
    return consent


def uses_of(words: Sequence[str], name: str) -> tuple[Use, ...]:
    """Return uses by their words; raises ``UsageError`` for one that is none."""
    for word in words:
        if word not in tuple(Use):
            raise UsageError(f"{name} has '{word}', which is no use; choose from {', '.join(Use)}")
    return tuple(map(Use, words))
