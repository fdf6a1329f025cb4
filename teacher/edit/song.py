"""Sung lines: each syllable on a note, the pitch on the melody, the vowels held.

The melodies are this project's own, a few bars each. The seed chooses one; a line longer than
its melody begins it again, and every line ends on the tonic, held. The tonic is the semitone of
equal temperament (A = 440 Hz) that lays the melody about the speaker's own median, so a deep
voice sings low. Nobody sings here: spoken syllables are held and tuned, with vibrato and glides.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from lauter.teacher.edit.syllables import Syllable, held, moved, stepped, syllables
from lauter.teacher.edit.world import Floats, Frames

A4_HZ = 440.0
GLIDE_S = 0.07
VIBRATO_HZ = 5.5
VIBRATO_SEMITONES = 0.25
_VIBRATO_AFTER_S = 0.25
_LAST_BEATS = 2.0


@dataclass(frozen=True, slots=True)
class Melody:
    """A tune: its tempo, and its notes as (semitones above the tonic, beats)."""

    beats_per_minute: float
    notes: tuple[tuple[int, float], ...]


MELODIES = (
    # A lullaby that rocks between third and fifth.
    Melody(
        104,
        ((4, 1), (7, 0.5), (4, 0.5), (2, 1), (4, 1), (5, 0.5), (4, 0.5), (2, 0.5), (0, 0.5)),
    ),
    # A march up to the sixth and down by steps.
    Melody(
        120,
        ((0, 0.5), (2, 0.5), (4, 1), (7, 1), (9, 0.5), (7, 0.5), (5, 1), (4, 0.5), (2, 1)),
    ),
    # Minor, turning about the fifth.
    Melody(
        96,
        ((7, 1), (8, 0.5), (7, 0.5), (5, 1), (3, 0.5), (5, 0.5), (7, 1), (3, 0.5), (2, 0.5)),
    ),
    # Five notes only, skipping.
    Melody(
        112,
        ((0, 0.5), (4, 0.5), (2, 0.5), (7, 1), (4, 0.5), (9, 1), (7, 0.5), (4, 0.5), (2, 1)),
    ),
)


@dataclass(frozen=True, slots=True)
class Note:
    """What one syllable sings: from ``start_s`` to ``end_s`` at ``pitch_hz``."""

    start_s: float
    end_s: float
    pitch_hz: float


def sung(frames: Frames, language: str, seed: int) -> Frames:
    """Return ``frames`` as a sung line; speech in which no syllable is found stays as it is."""
    found = syllables(frames, language)
    if not found or not frames.median_f0_hz:
        return frames
    notes = _melody(frames, found, seed)
    starts_s = np.array([note.start_s for note in notes])
    line = moved(held(frames, found), found, starts_s, notes[-1].end_s)
    return replace(line, f0_hz=np.where(line.voiced, _tune_hz(notes, line), 0.0))


def melody_of(frames: Frames, language: str, seed: int) -> list[Note]:
    """Return the notes that ``sung`` gives these frames, in seconds of the sung line."""
    found = syllables(frames, language)
    return _melody(frames, found, seed) if found and frames.median_f0_hz else []


def _melody(frames: Frames, found: tuple[Syllable, ...], seed: int) -> list[Note]:
    return score(len(found), MELODIES[seed % len(MELODIES)], frames, found[0].onset)


def score(count: int, melody: Melody, frames: Frames, lead: int) -> list[Note]:
    """Return the notes of a line of ``count`` syllables, the first after ``lead`` frames."""
    tones = [melody.notes[index % len(melody.notes)] for index in range(count - 1)]
    tones.append((0, _LAST_BEATS))
    tonic_hz = _tonic_hz(frames.median_f0_hz, melody)
    beat_s = 60 / melody.beats_per_minute
    ends_s = lead * frames.frame_s + beat_s * np.cumsum([beats for _, beats in tones])
    return [
        Note(float(end_s - beats * beat_s), float(end_s), tonic_hz * 2 ** (semitones / 12))
        for (semitones, beats), end_s in zip(tones, ends_s, strict=True)
    ]


def _tonic_hz(median_hz: float, melody: Melody) -> float:
    middle = float(
        np.average([tone for tone, _ in melody.notes], weights=[b for _, b in melody.notes])
    )
    return float(A4_HZ * 2 ** (round(12 * np.log2(median_hz / A4_HZ) - middle) / 12))


def _tune_hz(notes: list[Note], line: Frames) -> Floats:
    """``[frames]``: the pitch of the whole line, voiced or not."""
    step = line.frame_s
    count = len(line.f0_hz)
    starts = np.rint(np.array([note.start_s for note in notes]) / step).astype(np.int64)
    semitones = np.array([12 * math.log2(note.pitch_hz / A4_HZ) for note in notes])
    tune = stepped(semitones, starts, count, max(1, round(GLIDE_S / step)))
    seconds: Floats = np.arange(count, dtype=np.float64) * step
    since_s = seconds - stepped(seconds[starts], starts, count, 1)
    depth = VIBRATO_SEMITONES * np.clip(since_s / _VIBRATO_AFTER_S - 1, 0, 1)
    vibrato = depth * np.sin(2 * np.pi * VIBRATO_HZ * (since_s - _VIBRATO_AFTER_S))
    pitch_hz: Floats = A4_HZ * np.exp2((tune + vibrato) / 12)
    return pitch_hz
