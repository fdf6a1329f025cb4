"""What Step-Audio-EditX can change in speech, and the pass that a prompt asks of it.

It was taught 14 emotions and 32 styles, each more strongly at every further pass, their removal,
four words for speed, ten sounds between words, and to take noise or silence away (arXiv 2511.03601;
the words are those of ``stepfun-ai/Step-Audio-EditX:config/edit_config.py`` and its README).
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from lauter.datasets.errors import UsageError
from lauter.datasets.records import Prompt
from lauter.datasets.suggestion import check_known
from lauter.datasets.tags import Emotion, Style

REMOVE: Final = "remove"
"""Instead of an emotion or style: take whatever there is away."""
EMOTIONS: Final = (
    *("happy", "angry", "sad", "humour", "confusion", "disgusted", "empathy", "embarrass"),
    *("fear", "surprised", "excited", "depressed", "coldness", "admiration"),
)
STYLES: Final = (
    *("serious", "arrogant", "child", "older", "girl", "pure", "sister", "sweet", "exaggerated"),
    *("ethereal", "whisper", "gentle", "recite", "generous", "act_coy", "warm", "shy", "comfort"),
    *("authority", "chat", "radio", "soulful", "story", "vivid", "program", "news"),
    *("advertising", "roar", "murmur", "shout", "deeply", "loudly"),
)
SPEEDS: Final = ("faster", "slower", "more faster", "more slower")
SOUNDS: Final = (
    *("Breathing", "Laughter", "Uhm", "Sigh", "Surprise-oh", "Surprise-ah", "Surprise-wa"),
    *("Confirmation-en", "Question-ei", "Dissatisfaction-hnn"),
)
"""Written in square brackets where they are to be heard: ``Well [Sigh], it is late.``"""

MOST_PASSES: Final = 3
"""Passes of an emotion whose effect was measured (``README.md``, evaluation: iterations 0 to 3)."""
MOST_SPEED: Final = 2
"""Speed was taught in two strengths each way."""

_BRACKETED: Final = re.compile(r"\[([^\[\]]*)\]")


class EditKind(StrEnum):
    """What an edit is about."""

    EMOTION = "emotion"
    STYLE = "style"
    SPEED = "speed"
    SOUNDS = "sounds"
    DENOISE = "denoise"
    TRIM = "trim"


_WORDS: Final = {
    EditKind.EMOTION: (*EMOTIONS, REMOVE),
    EditKind.STYLE: (*STYLES, REMOVE),
    EditKind.SPEED: SPEEDS,
}


@dataclass(frozen=True, slots=True)
class Edit:
    """One pass over speech.

    ``value`` is the wanted emotion, style or speed, or for sounds the text with them in it; to take
    noise or silence away needs none. Raises ``UsageError`` for what EditX was not taught.
    """

    kind: EditKind
    value: str = ""

    def __post_init__(self) -> None:
        """Check the value."""
        if self.kind in _WORDS:
            _check(self.value, _WORDS[self.kind], self.kind)
        elif self.kind == EditKind.SOUNDS:
            for sound in _BRACKETED.findall(self.value) or [""]:
                _check(sound, SOUNDS, "sound")
        elif self.value:
            raise UsageError(f"the edit '{self.kind}' takes no word, not '{self.value}'; drop it")


_OF_EMOTION: Final = {
    Emotion.JOY: (EditKind.EMOTION, "happy"),
    Emotion.SADNESS: (EditKind.EMOTION, "sad"),
    Emotion.ANGER: (EditKind.EMOTION, "angry"),
    Emotion.FEAR: (EditKind.EMOTION, "fear"),
    Emotion.CUTE: (EditKind.STYLE, "act_coy"),
}
EDITED_EMOTIONS: Final = tuple(_OF_EMOTION)
"""What of our emotions EditX makes."""


def step_of(prompt: Prompt) -> Edit:
    """Return the pass that makes of its parent's speech what ``prompt`` asks for.

    A level is a pass more: the same word again. Raises ``UsageError`` for what EditX cannot do, and
    for neutral speech, which is no edit.
    """
    if prompt.speed_level:
        return Edit(EditKind.SPEED, "faster" if prompt.speed_level > 0 else "slower")
    if prompt.style != Style.PLAIN:
        raise UsageError(
            f"Step-Audio-EditX makes no {prompt.style} of speech; ask for style 'plain'"
        )
    if prompt.emotion == Emotion.NEUTRAL:
        raise UsageError("neutral speech is no edit; ask the layout that clones for it")
    kind, word = _OF_EMOTION[Emotion(prompt.emotion)]
    return Edit(kind, word)


def _check(word: str, known: tuple[str, ...], kind: str) -> None:
    check_known(word, known, f"Step-Audio-EditX has no {kind} '{word}'")
