"""From a situation to texts that show what it makes one feel: openings, closings, who says it, how.

Each level has words of its own, so that level 4 is not level 3 with one more exclamation mark. What
a level of 0 gets, which must serve any, is what levels 2 and 3 have.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import combinations, product
from typing import Any

from lauter.datasets.tags import Language
from lauter.teacher.writer.rules import english, japanese
from lauter.teacher.writer.rules.word_tables import Situation, framing, registers
from lauter.teacher.writer.task import Genre, Kind, Register, Wanted

_ANY_LEVEL = (2, 3)
_GOES_ON = (",", ":", "，", "、", "but", "think", "afraid", "say,", "好像", "好似")
"""What an opening ends with behind which the sentence goes on."""


def framed(
    situation: Situation, said: str, wanted: Wanted, variety: str
) -> Iterator[tuple[Kind, str]]:
    """Yield texts around a situation, each with its kind; ``said`` is it in the dialect."""
    table = framing(variety)["emotions"][wanted.emotion.value]
    least, most = situation.levels
    for level in [wanted.level] if wanted.level else _ANY_LEVEL:
        if not least <= level <= most:
            continue
        of_level = {name: rows[level - 1] for name, rows in table.items()}
        for register, genre, text in _texts(said, of_level, wanted.language):
            yield Kind(situation.topic, genre, register), text


def _texts(
    said: str, table: Mapping[str, Any], language: Language
) -> Iterator[tuple[Register, Genre, str]]:
    if language == Language.ENGLISH:
        return _english(said, table)
    if language == Language.JAPANESE:
        return _japanese(said, table)
    return _plain(said, table, Register.AS_IT_COMES, "")


def _plain(
    said: str, table: Mapping[str, Any], register: Register, space: str
) -> Iterator[tuple[Register, Genre, str]]:
    """Yield a situation behind openings, before closings, between both, asked about and told."""
    end = table["ends"]
    genre = Genre.EXCLAMATION if end in "！!" else Genre.STATEMENT
    for opening, closing in product(["", *table["openings"]], ["", *table["closings"]]):
        if (opening or closing) and not _echoes(opening, said, closing):
            yield register, genre, _joined(opening, said, end, closing, space)
    yield from ((register, Genre.QUESTION, text) for text in _asked(said, table, space))
    for pattern in table["dialogues"]:
        yield register, Genre.DIALOGUE, pattern.format(S=english.capitalised(said))


def _asked(said: str, table: Mapping[str, Any], space: str) -> Iterator[str]:
    """Yield a situation with a question: behind it where the table says so, else before it."""
    question = table["questions"]
    if "{S}" in question:
        yield question.format(S=english.capitalised(said))
        return
    for closing in ["", *table["closings"]]:
        if not _echoes(question, said, closing):
            yield _joined(question, said, table["ends"], closing, space)


def _joined(opening: str, said: str, end: str, closing: str, space: str) -> str:
    goes_on = opening.endswith(_GOES_ON)
    sentence = said if goes_on else english.capitalised(said)
    return space.join(filter(None, [opening, f"{sentence}{end}", closing]))


def _echoes(*parts: str) -> bool:
    """Say whether two parts of a text have a word in common that one hears again."""
    heard = [_heard(part) for part in parts]
    return any(one & other for one, other in combinations(heard, 2))


def _heard(part: str) -> set[str]:
    """Return the longer words of a text, or what stands for words where none are parted."""
    words = re.findall(r"[A-Za-z']{4,}", part.casefold())
    signs = re.sub(r"[\W_a-zA-Z]", "", part)
    # In Japanese two characters are mostly grammar.
    size = 3 if re.search(r"[ぁ-ゖ]", part) else 2
    return {*words, *(signs[at : at + size] for at in range(len(signs) - size + 1))}


def _english(said: str, table: Mapping[str, Any]) -> Iterator[tuple[Register, Genre, str]]:
    end = table["ends"]
    genre = Genre.EXCLAMATION if end == "!" else Genre.STATEMENT
    for register, kind, text in _plain(said, table, Register.AS_IT_COMES, " "):
        yield register, kind, text
        if (short := english.contracted(text)) != text:
            yield Register.CASUAL, kind, short
    for opening, closing in product(registers()["chatty"], table["closings"]):
        if not _echoes(opening, said, closing):
            text = _joined(opening, said, end, closing, " ")
            yield Register.CHATTY, genre, english.contracted(text)
    for pattern in table.get("formal", []):
        yield Register.FORMAL, Genre.STATEMENT, pattern.format(s=english.expanded(said))


def _japanese(said: str, table: Mapping[str, Any]) -> Iterator[tuple[Register, Genre, str]]:
    yield from _plain(said, table, Register.PLAIN, "")
    end = table["ends"]
    genre = Genre.EXCLAMATION if end == "！" else Genre.STATEMENT
    polite = japanese.polite(said)
    if polite is None:
        return
    closings = [japanese.polite(closing) for closing in table["closings"]]
    # Openings that are cries or predicates of plain speech do not go before polite speech.
    openings = [
        opening
        for opening in table["openings"]
        if opening.endswith("、") and japanese.polite(opening.rstrip("、")) is None
    ]
    for opening, closing in product(["", *openings], ["", *filter(None, closings)]):
        if (opening or closing) and not _echoes(opening, polite, closing):
            yield Register.POLITE, genre, _joined(opening, polite, end, closing, "")
    if japanese.is_blunt(polite):
        return
    modest = japanese.honorific(polite) or polite
    for closing in table.get("honorific", []):
        yield Register.HONORIFIC, Genre.STATEMENT, _joined("", modest, "。", closing, "")
