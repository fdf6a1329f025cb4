"""The tables that the rules write with: our own words, read once, and their digest."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from string import Formatter
from typing import Any, Final

import yaml

from lauter.datasets.identity import digest
from lauter.datasets.prompts.builtin_set import builtin_texts
from lauter.datasets.tags import Dialect, Emotion, Language
from lauter.teacher.writer.task import Genre, Topic

_FOLDER: Final = Path(__file__).parent / "tables"
_DOMAIN: Final = "lauter.writer.rules.v1"


@dataclass(frozen=True, slots=True)
class Situation:
    """Something that happened, as a sentence without its end: what a feeling is about.

    ``levels`` are the weakest and the strongest feeling that it bears: nobody is beside himself for
    strange milk, and nobody finds a death a pity.
    """

    emotion: Emotion
    topic: Topic
    levels: tuple[int, int]
    text: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """One of the built-in sentences, with what it is about."""

    text: str
    topic: Topic
    genre: Genre


def variety_of(language: Language, dialect: str) -> str:
    """Return the name of the tables: a dialect's own where it has some, else its language's."""
    own = dialect in (Dialect.CANTONESE, Dialect.SICHUANESE)
    return dialect if own else language.value


@functools.cache
def framing(variety: str) -> Mapping[str, Any]:
    """Return how texts of a variety show what they feel (``framing.yaml``)."""
    return _yaml(f"{variety}/framing.yaml")


@functools.cache
def registers() -> Mapping[str, Any]:
    """Return what makes English formal, casual or chatty."""
    return _yaml("en/registers.yaml")


@functools.cache
def lexicon(dialect: str) -> Mapping[str, str]:
    """Return words of Mandarin with those of a dialect; ``*``: only rules can tell."""
    return dict(line.split("\t") for line in _lines(f"{dialect}/lexicon.tsv"))


@functools.cache
def situations(language: Language) -> tuple[Situation, ...]:
    """Return the situations of a language, each with its places filled in every way."""
    words = framing(language.value)["words"]
    return tuple(
        Situation(Emotion(emotion), Topic(topic), (int(levels[0]), int(levels[-1])), filled)
        for emotion, topic, levels, text in (
            line.split("\t") for line in _lines(f"{language.value}/situations.tsv")
        )
        for filled in _filled(text, words)
    )


@functools.cache
def sentences(language: Language) -> tuple[Sentence, ...]:
    """Return the built-in sentences of a language."""
    topics = {
        (kind, number): Topic(topic)
        for kind, number, topic in (line.split("\t") for line in _lines("seeds.tsv"))
    }
    seen: dict[str, int] = {}
    found = []
    for row in builtin_texts().to_pylist():
        if row["language"] != language:
            continue
        kind = row["kind"]
        seen[kind] = seen.get(kind, 0) + 1
        genre = Genre(kind) if kind in list(Genre) else _genre_of(row["text"])
        found.append(Sentence(row["text"], topics[kind, str(seen[kind])], genre))
    return tuple(found)


@functools.cache
def tables_digest(language: Language, variety: str) -> str:
    """Return the digest of all tables that decide the texts of a variety, and of its sentences."""
    folders = sorted({language.value, variety})
    files = [_FOLDER / "seeds.tsv"]
    files += [file for folder in folders for file in sorted((_FOLDER / folder).iterdir())]
    content = [file.read_text(encoding="utf-8") for file in files]
    content += [sentence.text for sentence in sentences(language)]
    return digest(_DOMAIN, "\0".join([variety, *content]))


def _genre_of(text: str) -> Genre:
    if text[-1] in "?？":
        return Genre.QUESTION
    return Genre.EXCLAMATION if text[-1] in "!！" else Genre.STATEMENT


def _filled(text: str, words: Mapping[str, list[str]]) -> list[str]:
    places = [place for _, place, _, _ in Formatter().parse(text) if place]
    choices = product(*(words[place] for place in places))
    return [text.format(**dict(zip(places, chosen, strict=True))) for chosen in choices]


def _lines(name: str) -> list[str]:
    return (_FOLDER / name).read_text(encoding="utf-8").splitlines()[1:]


def _yaml(name: str) -> Mapping[str, Any]:
    content: Mapping[str, Any] = yaml.safe_load((_FOLDER / name).read_text(encoding="utf-8"))
    return content
