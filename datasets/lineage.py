"""Where edited speech came from: each edit has a parent, up to neutral speech.

Level n of an emotion is level n - 1 edited once more (Step-Audio, arXiv 2502.11946, section 5.1.1);
a pace is reached in such steps too. Emotion comes first, then style, then pace, so the parent of
a prompt is the same text by the same speaker with the last of these taken back by one step. That
follows from the prompt alone: the parent's id is known before anything is spoken, and a chain that
was cut off is gone on with like every other run.

What is edited later, out of speech that is there already, names its parent itself.
"""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Final

import pyarrow as pa

from lauter.datasets.records import Prompt, Request, described
from lauter.datasets.tags import MAX_LEVEL, Emotion, Style

PARENT_FIELD = described(
    "parent_id", pa.string(), "Request of the utterance that this one is an edit of; null: of none"
)
EDIT_FIELD = described(
    "edit", pa.string(), "The step from that utterance to this one, such as joy 2 or speed -1"
)
LINEAGE_FIELDS = (PARENT_FIELD, EDIT_FIELD)
"""Stand beside requests of teachers that edit."""

EDITOR = "audio_edit"
"""The teacher's name in rows that were edited from rows which were there already."""


class Derivation(StrEnum):
    """An edit of speech that is there already, in the words that stand in the column ``edit``."""

    REMOVE_EMOTION = "remove emotion"
    REMOVE_STYLE = "remove style"
    NOISE = "noise"
    DENOISE = "denoise"
    SILENCE = "silence"
    TRIM_SILENCE = "trim silence"
    BREATHING = "breathing"
    LAUGHTER = "laughter"
    PAUSE = "pause"


UNDONE: Final[Mapping[Derivation, Derivation]] = {
    Derivation.DENOISE: Derivation.NOISE,
    Derivation.TRIM_SILENCE: Derivation.SILENCE,
}
"""The derivations that take away what another one put in."""


def parent_of(prompt: Prompt) -> Prompt | None:
    """Return what ``prompt`` is one edit away from; None where it is neutral, plain speech."""
    if prompt.speed_level:
        nearer = prompt.speed_level - (1 if prompt.speed_level > 0 else -1)
        return replace(prompt, speed_level=nearer)
    if prompt.style != Style.PLAIN:
        return replace(prompt, style=Style.PLAIN.value)
    if prompt.emotion_level > 1:
        return replace(prompt, emotion_level=prompt.emotion_level - 1)
    if prompt.emotion != Emotion.NEUTRAL:
        return replace(prompt, emotion=Emotion.NEUTRAL.value, emotion_level=0)
    return None


def edit_of(prompt: Prompt) -> str | None:
    """Return in words the step from a prompt's parent to it; None where it has no parent."""
    if prompt.speed_level:
        return f"speed {prompt.speed_level:+}"
    if prompt.style != Style.PLAIN:
        return prompt.style
    if prompt.emotion != Emotion.NEUTRAL:
        return f"{prompt.emotion} {prompt.emotion_level}"
    return None


_FELT = [emotion for emotion in Emotion if emotion != Emotion.NEUTRAL]
_LEVELS = range(1, MAX_LEVEL + 1)
EDITS: Final[tuple[str, ...]] = (
    *(f"{emotion} {level}" for emotion in _FELT for level in _LEVELS),
    *(style.value for style in Style if style != Style.PLAIN),
    *(f"speed {sign}{level}" for sign in "-+" for level in _LEVELS),
    *(derivation.value for derivation in Derivation),
)
"""Every word that may stand in the column ``edit``."""


def parent_request(request: Request) -> Request | None:
    """Return the request whose speech ``request`` is an edit of, by the same teacher and seed."""
    parent = parent_of(request.prompt)
    return None if parent is None else replace(request, prompt=parent).identified()
