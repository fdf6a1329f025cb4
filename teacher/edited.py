"""What every teacher shares whose voices are neutral: Audio-Edit does the rest."""

import time
from collections.abc import Callable, Sequence

from lauter.datasets.audio import Samples
from lauter.datasets.errors import UsageError
from lauter.datasets.records import Request
from lauter.datasets.tags import MAX_LEVEL, Emotion, Style
from lauter.datasets.voices import Voice
from lauter.teacher.edit import edit
from lauter.teacher.protocol import Capabilities, Speech, Teacher, refusal

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


def answer(
    teacher: Teacher, request: Request, speak_neutral: Callable[[Request], tuple[Samples, int]]
) -> Speech | Exception:
    """Return the speech of a request, or the exception that came instead.

    ``speak_neutral`` gives its text in its speaker's neutral voice at the base level, and the
    sample rate in Hz.
    """
    started = time.thread_time()
    try:
        refused = refusal(teacher.capabilities(), teacher.name, request.prompt)
        if refused:
            raise UsageError(refused)
        neutral, sample_rate = speak_neutral(request)
        samples = edited(neutral, sample_rate, request)
    except Exception as error:
        return error
    return Speech(sample_rate, samples, device_s=time.thread_time() - started)


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
