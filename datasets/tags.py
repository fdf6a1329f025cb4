"""The words a prompt may use for how it is said: languages, dialects, emotions, styles.

They are enumerations of plain strings, so that they stand in Arrow columns as they are. Levels
run from 0 (the neutral utterance) to 5 (Step-Audio, arXiv 2502.11946, section 5.1.1).
"""

import re
from enum import StrEnum

MAX_LEVEL = 5


class Language(StrEnum):
    """A written and spoken language, as an ISO 639-1 code."""

    ENGLISH = "en"
    CHINESE = "zh"
    JAPANESE = "ja"
    KOREAN = "ko"


class Dialect(StrEnum):
    """The spoken variety of a language."""

    EN_US = "en-US"
    EN_GB = "en-GB"
    MANDARIN = "cmn"
    CANTONESE = "yue"
    SICHUANESE = "sichuan"
    JAPANESE = "ja-JP"
    KOREAN = "ko-KR"

    @property
    def language(self) -> Language:
        """The language whose writing this dialect uses."""
        return _LANGUAGE_OF[self]


_LANGUAGE_OF = {
    Dialect.EN_US: Language.ENGLISH,
    Dialect.EN_GB: Language.ENGLISH,
    Dialect.MANDARIN: Language.CHINESE,
    Dialect.CANTONESE: Language.CHINESE,
    Dialect.SICHUANESE: Language.CHINESE,
    Dialect.JAPANESE: Language.JAPANESE,
    Dialect.KOREAN: Language.KOREAN,
}


class Emotion(StrEnum):
    """What the voice expresses; every emotion but neutral has a level from 1 to 5."""

    NEUTRAL = "neutral"
    JOY = "joy"
    SADNESS = "sadness"
    ANGER = "anger"
    FEAR = "fear"
    CUTE = "cute"


class Style(StrEnum):
    """The manner of delivery."""

    PLAIN = "plain"
    RAP = "rap"
    SUNG = "sung"


class Sound(StrEnum):
    """A sound between words, in the word that stands for it in brackets: ``Well, [Laughter] yes.``

    Step-Audio-EditX has the first two (arXiv 2511.03601).
    """

    BREATHING = "Breathing"
    LAUGHTER = "Laughter"
    PAUSE = "Pause"


_SOUNDS = re.compile(rf"\s*\[({'|'.join(Sound)})\]")


def without_sounds(text: str) -> str:
    """Return the words of a text, without the sounds between them."""
    return _SOUNDS.sub("", text).strip()
