"""Registers of English by rule: contractions made or undone, and what stands before a sentence.

Only what is safe: contractions of pronouns and of *not*; a sentence goes on in small letters behind
an opening only where its first word is on a list, for names keep their capitals. It does not choose
other words: *kids* stays *kids*.
"""

import functools
import re
from collections.abc import Mapping

from lauter.teacher.writer.rules.word_tables import registers


def contracted(text: str) -> str:
    """Return a text as it is said: *I am* is *I'm*, *do not* is *don't*."""
    return _long_forms().sub(lambda found: _cased(found[0], _short()[found[0].casefold()]), text)


def expanded(text: str) -> str:
    """Return a text without contractions; *'s* and *'d*, which may be several words, stay."""
    return _short_forms().sub(lambda found: _cased(found[0], _long()[found[0].casefold()]), text)


def has_contraction(text: str) -> bool:
    """Say whether a text has an apostrophe within a word, as contractions and owners have."""
    return re.search(r"\w['’]\w", text) is not None


def continued(sentence: str) -> str | None:
    """Return a sentence as it goes on behind an opening; None where it may begin with a name."""
    first = re.match(r"[A-Za-z]+", sentence)
    if first is None:
        return None
    if first[0] == "I":
        return sentence
    if first[0].casefold() not in _lower():
        return None
    return sentence[0].lower() + sentence[1:]


def capitalised(sentence: str) -> str:
    """Return a sentence with a capital at its beginning."""
    return sentence[:1].upper() + sentence[1:]


@functools.cache
def _short() -> Mapping[str, str]:
    return {long.casefold(): short for long, short in registers()["contractions"].items()}


@functools.cache
def _long() -> Mapping[str, str]:
    # "It's" may be "it has" as well; what is not one thing is not undone.
    unsure = ("'s",)
    there = registers()["contractions"].items()
    return {short.casefold(): long for long, short in there if not short.endswith(unsure)}


@functools.cache
def _long_forms() -> re.Pattern[str]:
    # Not at the end of a clause, nor before a word that takes the stress: "I know who I am."
    forms = "|".join(sorted(_short(), key=len, reverse=True))
    return re.compile(rf"\b(?:{forms})\b(?=\s+\w)", re.IGNORECASE)


@functools.cache
def _short_forms() -> re.Pattern[str]:
    forms = "|".join(map(re.escape, sorted(_long(), key=len, reverse=True)))
    return re.compile(rf"\b(?:{forms})\b", re.IGNORECASE)


def _cased(found: str, form: str) -> str:
    return form[0].upper() + form[1:] if found[0].isupper() else form


@functools.cache
def _lower() -> frozenset[str]:
    return frozenset(registers()["lower"].split())
