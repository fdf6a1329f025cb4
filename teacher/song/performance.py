"""A line performed: neutral speech in, sung or rapped speech with what it should have been out."""

import math
from dataclasses import dataclass

from lauter.datasets.audio import Samples
from lauter.datasets.errors import UsageError
from lauter.datasets.tags import Style
from lauter.teacher.edit.change import Change, apply
from lauter.teacher.edit.rap import TEMPI, rapped
from lauter.teacher.edit.song import MELODIES, Note, melody_of, sung
from lauter.teacher.edit.syllables import syllables
from lauter.teacher.edit.world import analyse, synthesise


@dataclass(frozen=True, slots=True)
class Performance:
    """A performed line: audio, when its first syllable begins, and the notes (none where rapped).

    Times are in seconds of ``samples``.
    """

    samples: Samples
    first_syllable_s: float
    notes: tuple[Note, ...] = ()


def perform(
    neutral: Samples,
    sample_rate: int,
    *,
    style: str,
    language: str,
    seed: int,
    median_hz: float | None = None,
) -> Performance:
    """Sing or rap ``neutral`` speech; ``seed`` chooses melody and tempo, as for Audio-Edit.

    ``median_hz`` moves the speech there first, so that all lines of a song are in one key; None
    leaves it where it is. Raises ``UsageError`` where there is no syllable to perform.
    """
    frames = analyse(neutral, sample_rate)
    found = syllables(frames, language)
    if not found or not frames.median_f0_hz:
        raise UsageError("the line has no syllable that could be performed; give voiced speech")
    if median_hz:
        semitones = 12 * math.log2(median_hz / frames.median_f0_hz)
        frames = apply(frames, Change(pitch_semitones=semitones))
    first_s = found[0].onset * frames.frame_s
    if style == Style.RAP:
        return Performance(synthesise(rapped(frames, language, seed), seed), first_s)
    notes = melody_of(frames, language, seed)
    return Performance(synthesise(sung(frames, language, seed), seed), first_s, tuple(notes))


def median_pitch_hz(neutral: Samples, sample_rate: int) -> float:
    """Return the median pitch of speech in Hz; 0 where nothing is voiced."""
    return analyse(neutral, sample_rate).median_f0_hz


def tempo_of(style: str, seed: int) -> float:
    """Return the beats per minute of lines performed with ``seed``."""
    if style == Style.RAP:
        return TEMPI[seed % len(TEMPI)]
    return MELODIES[seed % len(MELODIES)].beats_per_minute
