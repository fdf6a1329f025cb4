"""Prompts of the same texts at neighbouring levels, as a plan for edit pairs asks them."""

from collections.abc import Sequence

from lauter.datasets.records import Prompt

MANNERS = (
    {},
    {"emotion": "joy", "emotion_level": 1},
    {"emotion": "joy", "emotion_level": 2},
    {"speed_level": -1},
    {"style": "rap"},
)
"""From the second on, each is an edit of the one before or of the first."""


def chains(texts: int, manners: Sequence[dict[str, object]] = MANNERS) -> list[Prompt]:
    return [
        Prompt(f"say {number}", "en", "en-US", speaker="someone", **manner)  # type: ignore[arg-type]
        for number in range(texts)
        for manner in manners
    ]
