"""How something was said, where a source uses our words for it: emotion, style, speed.

Another house's words are refused rather than guessed at: *happy* in somebody's corpus is not joy
of some level in ours.
"""

from collections.abc import Mapping
from typing import Any, TypedDict

from lauter.datasets.errors import UsageError
from lauter.datasets.tags import MAX_LEVEL, Emotion, Style


class Manner(TypedDict):
    """The prompt's fields for how something is said."""

    emotion: str
    emotion_level: int
    style: str
    speed_level: int


MANNER_FIELDS = tuple(Manner.__annotations__)


def manner_of(said: Mapping[str, Any]) -> Manner:
    """Return how something was said; what the source leaves out is neutral, plain, unhurried.

    Raises ``UsageError`` for a word that is not ours, and for a level that does not fit.
    """
    emotion = _word(said, "emotion", Emotion.NEUTRAL, tuple(Emotion))
    level = _level(said, "emotion_level", 0, MAX_LEVEL)
    if (emotion == Emotion.NEUTRAL) != (level == 0):
        raise UsageError(
            f"emotion '{emotion}' at level {level} is a contradiction; "
            "neutral has level 0, every other emotion a level from 1"
        )
    return Manner(
        emotion=emotion,
        emotion_level=level,
        style=_word(said, "style", Style.PLAIN, tuple(Style)),
        speed_level=_level(said, "speed_level", -MAX_LEVEL, MAX_LEVEL),
    )


def _word(said: Mapping[str, Any], name: str, default: str, words: tuple[str, ...]) -> str:
    word = said.get(name)
    if word is None or word == "":
        return str(default)
    if str(word).lower() not in words:
        raise UsageError(
            f"its {name} '{word}' is none of {', '.join(words)}; "
            f"leave the column out: source.columns.{name}=null"
        )
    return str(word).lower()


def _level(said: Mapping[str, Any], name: str, least: int, most: int) -> int:
    level = said.get(name)
    if level is None or level == "":
        return 0
    try:
        number = int(level)
    except (TypeError, ValueError):
        number = most + 1
    if not least <= number <= most:
        raise UsageError(
            f"its {name} '{level}' is no number from {least} to {most}; "
            f"leave the column out: source.columns.{name}=null"
        )
    return number
