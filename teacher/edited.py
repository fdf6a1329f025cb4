"""What every teacher shares whose voices are neutral: Audio-Edit does the rest."""

from collections.abc import Sequence

from lauter.datasets.audio import Samples
from lauter.datasets.records import Request
from lauter.datasets.tags import MAX_LEVEL, Emotion, Style
from lauter.datasets.voices import Voice
from lauter.teacher.edit import edit
from lauter.teacher.protocol import Capabilities

EDIT_VERSION = 1
"""Raise it with every change of ``edit`` that changes what is heard; it is in the fingerprints."""


def edited_capabilities(voices: Sequence[Voice]) -> Capabilities:
    """Return what neutral ``voices`` can do with Audio-Edit behind them."""
    return Capabilities(
        voices=tuple(voices),
        emotion_levels={
            emotion.value: 0 if emotion == Emotion.NEUTRAL else MAX_LEVEL for emotion in Emotion
        },
        speed_levels={"fast": MAX_LEVEL, "slow": MAX_LEVEL},
        styles=tuple(style.value for style in Style),
        editing=True,
    )


def edited(neutral: Samples, sample_rate: int, request: Request) -> Samples:
    """Return neutral speech at the base level as ``request`` asks for it."""
    prompt = request.prompt
    return edit(
        neutral,
        sample_rate,
        emotion=prompt.emotion,
        emotion_level=prompt.emotion_level,
        speed_level=prompt.speed_level,
        style=prompt.style,
        seed=request.seed,
        language=prompt.language,
    )
