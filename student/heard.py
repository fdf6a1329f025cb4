"""What is wrong with an utterance as a whole, told from what was heard of it.

Error rates count every fault alike. A student that stops in the middle or says a phrase three
times is broken in a way of its own, so that is told apart here, by comparing what was asked with
what was heard unit by unit (words of English, characters of Mandarin and Japanese). What it costs
in errors is in the rates already.
"""

from collections.abc import Sequence
from typing import Final

from rapidfuzz.distance import Levenshtein

TRUNCATED: Final = "truncated"
REPEATED: Final = "repeated"

SHARE: Final = 0.25
"""Of what was asked, so much must be missing at the end, or be said again, to be called so."""
LEAST: Final = 2
"""And at least so many units: one lost or doubled word is a mistake like any other."""


def heard_fault(asked: Sequence[str], heard: Sequence[str]) -> str | None:
    """Return ``repeated``, ``truncated`` or, where neither, None; an empty text has no fault."""
    if not asked:
        return None
    limit = max(LEAST, SHARE * len(asked))
    if _said_again(heard) - _said_again(asked) >= limit:
        return REPEATED
    return TRUNCATED if _missing_at_end(asked, heard) >= limit else None


def _missing_at_end(asked: Sequence[str], heard: Sequence[str]) -> int:
    """Return how many units at the end nothing was heard for."""
    missing = 0
    for block in reversed(list(Levenshtein.opcodes(list(asked), list(heard)))):
        if block.tag == "equal":
            break
        # Speech that was misheard is not missing.
        missing += (block.src_end - block.src_start) - (block.dest_end - block.dest_start)
    return missing


def _said_again(units: Sequence[str]) -> int:
    """Return how many units only repeat the stretch right before them."""
    again = [False] * len(units)
    for length in range(1, len(units) // 2 + 1):
        for start in range(length, len(units) - length + 1):
            if units[start : start + length] == units[start - length : start]:
                again[start : start + length] = [True] * length
    return sum(again)
