"""Checks of written texts: length, signs, script, language, dialect, safety; pure, one text a time.

They are rules, quick and explainable, and they judge words and not meaning: a cruel sentence in
kind words passes, and so does a text in Spanish that has no common Spanish word. Who writes with a
model for the open should have another model judge; for speech data it is the coarse sieve that
keeps rubbish from being spoken. The lists stand in ``words_of_languages.yaml`` and ``safety.yaml``.
"""

import functools
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import yaml

from lauter.datasets.prompts.check import check_texts
from lauter.datasets.tags import Dialect, Language
from lauter.teacher.writer.answer import without_halves
from lauter.teacher.writer.faults import Fault, FaultKind
from lauter.teacher.writer.task import Lengths, Wanted

_FOLDER: Final = Path(__file__).parent
_SHOWN: Final = 40
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_SIGNS: Final = re.compile(r"https?:|www\.|\S@\S|[*#_`|<>{}\[\]\\^~]|\d{7,}")
_NO_WORDS: Final = ("So", "Sk", "Cs", "Co")
"""Unicode's categories of pictures and of what is no character."""
_KANA: Final = re.compile(r"[ぁ-ゖァ-ヺ]")
_CANTONESE: Final = Dialect.CANTONESE.value
_LONGEST: Final = 1_000_000


def tidy(text: str) -> str:
    """Return a text in NFC and on one line, without spaces at its ends or halves of characters."""
    return " ".join(unicodedata.normalize("NFC", without_halves(text)).split())


def faults_of(texts: Sequence[str], wanted: Wanted, lengths: Lengths) -> list[Fault | None]:
    """Return, for each text (as ``tidy`` gives it), the first thing that is wrong, or None."""
    column = pa.chunked_array([pa.array(texts, pa.string())])
    languages = pa.chunked_array([pa.repeat(wanted.language.value, len(texts))])
    scripts = check_texts(column, languages, max_characters=_LONGEST).to_pylist()
    return [
        _fault(text, script, wanted, lengths) for text, script in zip(texts, scripts, strict=True)
    ]


def _fault(text: str, script: str | None, wanted: Wanted, lengths: Lengths) -> Fault | None:
    shown = f"'{text[:_SHOWN]}…'" if len(text) > _SHOWN else f"'{text}'"
    if not any(c.isalnum() for c in text):
        return Fault(FaultKind.EMPTY, f"{shown} has no words")
    if sign := _unsayable(text):
        return Fault(FaultKind.UNSAYABLE, f"{shown} has '{sign}', which cannot be said")
    if script:
        return Fault(FaultKind.WRONG_LANGUAGE, f"{shown}: {script.split(';')[0]}")
    if foreign := _foreign(text, wanted.language):
        return Fault(FaultKind.WRONG_LANGUAGE, f"{shown} {foreign}")
    if other := _other_dialect(text, wanted):
        return Fault(FaultKind.WRONG_DIALECT, f"{shown} {other}")
    if len(text) < lengths.least:
        told = f"{shown} has {len(text)} characters; {lengths.least} are the least"
        return Fault(FaultKind.TOO_SHORT, told)
    if len(text) > lengths.most:
        told = f"{shown} has {len(text)} characters; {lengths.most} are the most"
        return Fault(FaultKind.TOO_LONG, told)
    if named := _unsafe(text, wanted.language):
        return Fault(FaultKind.UNSAFE, f"{shown} names {named}; leave that out")
    return None


def _unsayable(text: str) -> str | None:
    """Return the first sign or picture of a text that nobody can say."""
    if found := _SIGNS.search(text):
        return found[0]
    pictures = (c for c in text if unicodedata.category(c) in _NO_WORDS and c not in "°℃")
    return next(pictures, None)


def _foreign(text: str, language: Language) -> str | None:
    """Say that a text is in another language of the same script, where its words show it."""
    if language == Language.JAPANESE and not _KANA.search(text):
        return "has no kana, and so is hardly Japanese"
    if language != Language.ENGLISH:
        return None
    words = [word.casefold() for word in _WORD.findall(text)]
    known = _words_of_languages()["function_words"]
    counts = {name: sum(word in those for word in words) for name, those in known.items()}
    other = max((name for name in known if name != "English"), key=lambda name: counts[name])
    if counts[other] > counts["English"]:
        return f"is written in {other}, not in English"
    return None


def _other_dialect(text: str, wanted: Wanted) -> str | None:
    """Say that a Chinese text is not in its dialect, where its words show it."""
    if wanted.language != Language.CHINESE or not wanted.dialect:
        return None
    markers = _words_of_languages()["markers"]
    if wanted.dialect in markers:
        if not markers[wanted.dialect].search(text):
            return f"has no word of {wanted.dialect}, and so is Mandarin"
        return None
    if found := markers[_CANTONESE].search(text):
        return f"has the Cantonese word '{found[0]}', and should be Mandarin"
    return None


def _unsafe(text: str, language: Language) -> str | None:
    for name, patterns in _safety().items():
        for of in ("any", language.value):
            if of in patterns and patterns[of].search(text):
                return name
    return None


@functools.cache
def _words_of_languages() -> Mapping[str, Any]:
    content = _read("words_of_languages.yaml")
    return {
        "function_words": {
            name: frozenset(words.split()) for name, words in content["function_words"].items()
        },
        "markers": {
            name: re.compile("|".join(words.split())) for name, words in content["markers"].items()
        },
    }


@functools.cache
def _safety() -> Mapping[str, Mapping[str, re.Pattern[str]]]:
    return {
        name: {
            language: re.compile(pattern, re.IGNORECASE) for language, pattern in patterns.items()
        }
        for name, patterns in _read("safety.yaml").items()
    }


def _read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((_FOLDER / name).read_text(encoding="utf-8"))
    return content
