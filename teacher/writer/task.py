"""What is to be written: how many texts of which kind, and what they begin from.

A task is the size of one asking: a few texts of one dialect, emotion and level, one topic, genre
and register, around one seed text. Many small tasks cost more asking than few large ones, and give
texts that are about different things; a model that is asked for sixty at once repeats itself.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from lauter.datasets.errors import UsageError
from lauter.datasets.tags import MAX_LEVEL, Dialect, Emotion, Language


class Topic(StrEnum):
    """What a text is about."""

    FAMILY = "family"
    FOOD = "food"
    HOME = "home"
    WORK = "work"
    SCHOOL = "school"
    TRAVEL = "travel"
    WEATHER = "weather"
    ANIMALS = "animals"
    HEALTH = "health"
    TOWN = "town"
    LEISURE = "leisure"
    SHOPPING = "shopping"


class Genre(StrEnum):
    """What kind of a text it is."""

    STATEMENT = "statement"
    QUESTION = "question"
    EXCLAMATION = "exclamation"
    DIALOGUE = "dialogue"
    NARRATIVE = "narrative"
    INSTRUCTION = "instruction"
    NEWS = "news"
    POEM = "poem"


class Register(StrEnum):
    """How formal it is; languages have different ones."""

    AS_IT_COMES = ""
    FORMAL = "formal"
    CASUAL = "casual"
    CHATTY = "chatty"
    PLAIN = "plain"
    POLITE = "polite"
    HONORIFIC = "honorific"


REGISTERS: Final = {
    Language.ENGLISH: (Register.FORMAL, Register.CASUAL, Register.CHATTY),
    Language.JAPANESE: (Register.PLAIN, Register.POLITE, Register.HONORIFIC),
}
"""The registers of a language; Japanese has plain speech, teineigo and keigo."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """From ``least`` to ``most`` characters, spaces included."""

    least: int
    most: int


LENGTHS: Final = {
    Language.ENGLISH.value: Lengths(20, 60),
    Language.CHINESE.value: Lengths(8, 25),
    Language.JAPANESE.value: Lengths(8, 25),
    Language.KOREAN.value: Lengths(8, 30),
}
"""Texts of about two to six seconds."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a text is about and what sort of text it is: what a set is balanced over."""

    topic: Topic
    genre: Genre
    register: Register = Register.AS_IT_COMES


@dataclass(frozen=True, slots=True)
class Wanted:
    """Texts of one language or dialect and one emotion; level 0 is any level of it.

    ``dialect`` is empty where a text shall serve all dialects of the language. Raises
    ``UsageError`` for a dialect of another language and a level that is none.
    """

    language: Language
    dialect: str
    emotion: Emotion
    level: int = 0

    def __post_init__(self) -> None:
        """Check that language, dialect, emotion and level go together."""
        if self.dialect and Dialect(self.dialect).language != self.language:
            raise UsageError(f"{self.dialect} is no dialect of '{self.language}'; leave it out")
        most = 0 if self.emotion == Emotion.NEUTRAL else MAX_LEVEL
        if not 0 <= self.level <= most:
            levels = f"0 (any level) or 1 to {most}" if most else "0, for neutral has no levels"
            raise UsageError(
                f"the level of {self.emotion} texts is {self.level}; set levels to {levels}"
            )

    def __str__(self) -> str:
        """Return it in words, such as ``yue joy 3``."""
        level = f" {self.level}" if self.level else ""
        return f"{self.dialect or self.language} {self.emotion}{level}"


@dataclass(frozen=True, slots=True)
class Seed:
    """A text to begin from, and its licence as an SPDX id."""

    text: str
    licence: str


@dataclass(frozen=True, slots=True)
class WritingTask:
    """``count`` texts of one kind around one seed; ``number`` tells it from others like it."""

    wanted: Wanted
    kind: Kind
    count: int
    seed: Seed
    number: int = 0


@dataclass(frozen=True, slots=True)
class Ask:
    """One time of asking for a task: how many texts are missing, and what was wrong before."""

    task: WritingTask
    count: int
    complaints: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    """Texts of the task that are kept already."""
    attempt: int = 0
    """How often the task was asked before."""
