"""The pass over speech that a prompt asks of Step-Audio-EditX.

EditX was taught emotions, styles and paces, each more strongly at every further pass (arXiv
2511.03601; the words are those of ``stepfun-ai/Step-Audio-EditX:config/edit_config.py``). Asked for
are those that our prompts can name. Sounds between words, removal, noise and silence it was taught
too; nothing here asks it for them.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from lauter.datasets.records import Prompt
from lauter.datasets.tags import Emotion

MOST_PASSES: Final = 3
"""Passes of an emotion whose effect was measured (``README.md``, evaluation: iterations 0 to 3)."""
MOST_SPEED: Final = 2
"""Speed was taught in two strengths each way."""


class EditKind(StrEnum):
    """What an edit is about."""

    EMOTION = "emotion"
    STYLE = "style"
    SPEED = "speed"


@dataclass(frozen=True, slots=True)
class Edit:
    """One pass over speech; ``value`` is the wanted emotion, style or speed in EditX's word."""

    kind: EditKind
    value: str


_OF_EMOTION: Final = {
    Emotion.JOY: Edit(EditKind.EMOTION, "happy"),
    Emotion.SADNESS: Edit(EditKind.EMOTION, "sad"),
    Emotion.ANGER: Edit(EditKind.EMOTION, "angry"),
    Emotion.FEAR: Edit(EditKind.EMOTION, "fear"),
    Emotion.CUTE: Edit(EditKind.STYLE, "act_coy"),
}
EDITED_EMOTIONS: Final = tuple(_OF_EMOTION)
"""What of our emotions EditX makes."""


def step_of(prompt: Prompt) -> Edit:
    """Return the pass that makes of its parent's speech what ``prompt`` asks for.

    A level is a pass more: the same word again. The prompt is one that EditX can be asked for
    (``abilities.py``) and has a parent.
    """
    if prompt.speed_level:
        return Edit(EditKind.SPEED, "faster" if prompt.speed_level > 0 else "slower")
    return _OF_EMOTION[Emotion(prompt.emotion)]
