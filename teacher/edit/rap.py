"""Rap: every syllable on the grid of a beat, the pitch nearly flat, weight on the beats.

The vowel's onset is what a listener hears as the moment of a syllable, so that is what is set on
the sixteenths of a bar. A gap becomes the nearest number of sixteenths, at least one, so the
rhythm of the sentence remains and its unevenness goes. No beat is mixed in, and no rhyme is made.
"""

from dataclasses import replace

import numpy as np

from lauter.teacher.edit.syllables import moved, stepped, syllables
from lauter.teacher.edit.world import Frames

TEMPI = (80.0, 84.0, 88.0, 92.0)
"""Beats per minute, of which the seed chooses one; the sixteenths are 0.19 to 0.16 s."""

SIXTEENTHS_A_BEAT = 4
RANGE_FACTOR = 0.3
ACCENT_SEMITONES = 1.5
ACCENT_DB = 2.0
_GLIDE_S = 0.04
_LONGEST_GAP = 4


def rapped(frames: Frames, language: str, seed: int) -> Frames:
    """Return ``frames`` on the beat; speech in which no syllable is found stays as it is."""
    found = syllables(frames, language)
    median_hz = frames.median_f0_hz
    if not found or not median_hz:
        return frames
    step = frames.frame_s
    onsets = np.array([syllable.onset for syllable in found])
    unit_s = sixteenth_s(seed)
    gaps = np.clip(np.rint(np.diff(onsets) * step / unit_s), 1, _LONGEST_GAP)
    ticks = np.concatenate([[0.0], np.cumsum(gaps)])
    starts_s = onsets[0] * step + ticks * unit_s
    tail_s = (len(frames.f0_hz) - 1 - onsets[-1]) * step
    line = moved(frames, found, starts_s, float(starts_s[-1]) + tail_s)

    accented = (ticks % SIXTEENTHS_A_BEAT == 0).astype(np.float64)
    starts = np.rint(starts_s / step).astype(np.int64)
    weight = stepped(accented, starts, len(line.f0_hz), max(1, round(_GLIDE_S / step)))
    flat = (np.where(line.voiced, line.f0_hz, median_hz) / median_hz) ** RANGE_FACTOR
    pitch_hz = median_hz * flat * np.exp2(ACCENT_SEMITONES / 12 * weight)
    return replace(
        line,
        f0_hz=np.where(line.voiced, pitch_hz, 0.0),
        spectrum=line.spectrum * 10 ** (ACCENT_DB / 10 * weight[:, None]),
    )


def sixteenth_s(seed: int) -> float:
    """Return how long a sixteenth lasts in the tempo that ``seed`` chooses, in seconds."""
    return 60 / TEMPI[seed % len(TEMPI)] / SIXTEENTHS_A_BEAT
