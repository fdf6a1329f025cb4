"""Audio-Edit: neutral speech in, the same words of the same speaker with a feeling and a pace out.

Signal processing by the WORLD vocoder: analyse once, change parameters, synthesise once. It moves
pitch, loudness, pace and colour as listeners expect of an emotion; it acts nothing.
"""

from lauter.datasets.audio import Samples
from lauter.datasets.errors import UsageError
from lauter.datasets.tags import MAX_LEVEL, Emotion, Language, Style
from lauter.teacher.edit.change import Change, apply
from lauter.teacher.edit.emotions import EMOTIONS
from lauter.teacher.edit.rap import rapped
from lauter.teacher.edit.song import sung
from lauter.teacher.edit.speed import paced
from lauter.teacher.edit.world import Frames, analyse, synthesise


def edit(
    samples: Samples,
    sample_rate: int,
    *,
    emotion: str = Emotion.NEUTRAL.value,
    emotion_level: int = 0,
    speed_level: int = 0,
    style: str = Style.PLAIN.value,
    seed: int = 0,
    language: str = Language.ENGLISH.value,
) -> Samples:
    """Return ``samples`` (float32 ``[samples]``, neutral speech) as asked for.

    Level n of an emotion is level n - 1 edited once more; ``speed_level`` runs from -5 (slow) to
    5 (fast). First comes the emotion, then the style, then the pace. ``seed`` chooses melody,
    tempo and tremor; ``language`` (ISO 639-1) says how short syllables may be.

    Pure, and the same to the bit each time; where nothing is asked, ``samples`` itself comes
    back. The level moves from that of ``samples``: give speech at ``base_level``. Raises
    ``UsageError`` for a feeling, level or style that there is not, and for too short speech.
    """
    feeling, pace = _felt(emotion, emotion_level), _paced(speed_level)
    if style == Style.PLAIN and feeling + pace == Change():
        return samples
    frames = apply(analyse(samples, sample_rate), feeling)
    return synthesise(apply(_styled(frames, style, language, seed), pace), seed)


def _felt(emotion: str, level: int) -> Change:
    if emotion == Emotion.NEUTRAL and level == 0:
        return Change()
    if emotion not in EMOTIONS:
        raise UsageError(
            f"Audio-Edit has no emotion '{emotion}' at level {level}; it has neutral at "
            f"level 0 and {', '.join(EMOTIONS)} at levels 1 to {MAX_LEVEL}"
        )
    if not 1 <= level <= MAX_LEVEL:
        raise UsageError(
            f"emotion '{emotion}' has levels 1 to {MAX_LEVEL}, not {level}; level 0 is neutral"
        )
    return EMOTIONS[Emotion(emotion)] * level


def _paced(level: int) -> Change:
    if not -MAX_LEVEL <= level <= MAX_LEVEL:
        raise UsageError(f"speed level {level} is out of range; choose {-MAX_LEVEL} to {MAX_LEVEL}")
    return paced(level)


def _styled(frames: Frames, style: str, language: str, seed: int) -> Frames:
    match style:
        case Style.PLAIN:
            return frames
        case Style.RAP:
            return rapped(frames, language, seed)
        case Style.SUNG:
            return sung(frames, language, seed)
    raise UsageError(f"Audio-Edit has no style '{style}'; it has {', '.join(Style)}")
