"""Audio-Edit: neutral speech in, the same words of the same speaker with a feeling and a pace out.

Signal processing by the WORLD vocoder: analyse once, change parameters, synthesise once. It moves
pitch, loudness, pace and colour as listeners expect of an emotion; it acts nothing.
"""

from lauter.datasets.audio import Samples
from lauter.datasets.errors import UsageError
from lauter.datasets.tags import MAX_LEVEL, Emotion, Style
from lauter.teacher.edit.change import Change, apply
from lauter.teacher.edit.emotions import EMOTIONS
from lauter.teacher.edit.speed import paced
from lauter.teacher.edit.world import analyse, synthesise


def edit(
    samples: Samples,
    sample_rate: int,
    *,
    emotion: str = Emotion.NEUTRAL.value,
    emotion_level: int = 0,
    speed_level: int = 0,
    style: str = Style.PLAIN.value,
    seed: int = 0,
    language: str = "",
    text: str = "",
) -> Samples:
    """Return ``samples`` (float32 ``[samples]``, neutral speech) as asked for.

    Level n of an emotion is level n - 1 edited once more; ``speed_level`` runs from -5 (slow) to
    5 (fast). The order is emotion, style, speed. ``seed`` chooses the tune and the
    tremor. ``language`` and ``text`` say what is spoken, for rap and song count syllables.

    Pure, and the same to the bit each time; where nothing is asked, ``samples`` itself comes
    back. The level moves from that of ``samples``: give speech at ``base_level``. Raises
    ``UsageError`` for a feeling, level or style that there is not, and for too short speech.
    """
    change = _asked(emotion, emotion_level, speed_level)
    if style != Style.PLAIN:
        raise UsageError(f"Audio-Edit has no style '{style}' yet; ask for plain")
    if change == Change():
        return samples
    return synthesise(apply(analyse(samples, sample_rate), change), seed)


def _asked(emotion: str, emotion_level: int, speed_level: int) -> Change:
    if not -MAX_LEVEL <= speed_level <= MAX_LEVEL:
        raise UsageError(
            f"speed level {speed_level} is out of range; choose {-MAX_LEVEL} to {MAX_LEVEL}"
        )
    if emotion == Emotion.NEUTRAL and emotion_level == 0:
        return paced(speed_level)
    if emotion not in EMOTIONS:
        raise UsageError(
            f"Audio-Edit has no emotion '{emotion}' at level {emotion_level}; it has neutral at "
            f"level 0 and {', '.join(EMOTIONS)} at levels 1 to {MAX_LEVEL}"
        )
    if not 1 <= emotion_level <= MAX_LEVEL:
        raise UsageError(
            f"emotion '{emotion}' has levels 1 to {MAX_LEVEL}, not {emotion_level}; "
            "level 0 is neutral"
        )
    return EMOTIONS[Emotion(emotion)] * emotion_level + paced(speed_level)
