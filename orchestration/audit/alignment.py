"""What was asked against what was heard, in pieces that a page can mark.

Both texts are shown in the form in which they were compared: numbers written out, punctuation
gone, Japanese in kana. English is aligned by words, Mandarin and Japanese by characters.
"""

from dataclasses import dataclass

from lauter.datasets.tags import Language
from lauter.filters.error_rate import changed_characters, changed_words
from lauter.filters.normalisation import NORMALISED_LANGUAGES, normalise


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text: ``same``, ``lost`` (asked, not heard) or ``added`` (heard, not asked)."""

    kind: str
    text: str


def aligned(text: str, transcript: str | None, language: str) -> list[Piece]:
    """Return the pieces in order; none where there is no transcript or no form to compare in."""
    if transcript is None or language not in NORMALISED_LANGUAGES:
        return []
    asked, heard = normalise(text, language), normalise(transcript, language)
    in_words = language == Language.ENGLISH
    units = asked.split() if in_words else list(asked)
    joint = " " if in_words else ""
    pieces: list[Piece] = []
    reached = 0
    for change in (changed_words if in_words else changed_characters)(asked, heard):
        lost = len(change.expected.split()) if in_words else len(change.expected)
        pieces += [
            Piece("same", joint.join(units[reached : change.position])),
            Piece("lost", change.expected),
            Piece("added", change.heard),
        ]
        reached = change.position + lost
    pieces.append(Piece("same", joint.join(units[reached:])))
    return [piece for piece in pieces if piece.text]
