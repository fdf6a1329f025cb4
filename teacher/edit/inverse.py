"""Taking back what was put in: an emotion, or the beat and the tune of rap and song.

An emotion of ours is a vector, so it is taken back by subtracting it; what its rendering lost stays
lost. Of rap and song the length of syllables and the melody of speech are gone; what comes back is
plain speech of even pace with a falling pitch, which keeps the words and the voice and not the
intonation. In Mandarin, whose tones are pitch, the tones do not come back either. Of a held vowel
more syllables are found than there are: 10 rapped lines came back 0.9 to 1.5 times as long as they
were spoken (median 1.0), the sung ones 1.1 to 2.8 times (English 1.4, Japanese 1.1).
"""

from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter1d

from lauter.datasets.tags import Emotion, Language
from lauter.teacher.edit.change import apply
from lauter.teacher.edit.emotions import EMOTIONS
from lauter.teacher.edit.syllables import moved, syllables
from lauter.teacher.edit.world import Floats, Frames

_USUAL_GAP_S = {Language.ENGLISH: 0.19, Language.CHINESE: 0.2, Language.JAPANESE: 0.13}
"""From one syllable's vowel to the next in the studio's plain speech: medians of 40 sentences."""
_GAP_KEPT = 0.35
"""How much of a gap's deviation from the median, in logarithms, is left."""
_FALL_SEMITONES = (2.0, -3.0)
"""Pitch at the beginning and the end of a statement, against the speaker's median."""
_DEVIATION_KEPT = 0.35
_STEADIED_S = 0.05


def without_emotion(frames: Frames, emotion: str, level: int) -> Frames:
    """Return ``frames`` with ``level`` levels of ``emotion`` taken back."""
    back = EMOTIONS[Emotion(emotion)] * -level
    steady = replace(back, tremor_semitones=0.0)
    return apply(_steadied(frames) if back.tremor_semitones else frames, steady)


def without_style(frames: Frames, language: str) -> Frames:
    """Return rapped or sung ``frames`` as plain speech; where no syllable is found, as they are."""
    found = syllables(frames, language)
    median_hz = frames.median_f0_hz
    if len(found) < 2 or not median_hz:
        return frames
    step = frames.frame_s
    onsets = np.array([syllable.onset for syllable in found]) * step
    gaps = np.diff(onsets)
    usual_s = _USUAL_GAP_S.get(Language(language), _USUAL_GAP_S[Language.ENGLISH])
    even = usual_s * (gaps / np.median(gaps)) ** _GAP_KEPT
    starts_s = onsets[0] + np.concatenate([[0.0], np.cumsum(even)])
    tail_s = min((len(frames.f0_hz) - 1) * step - onsets[-1], 2 * usual_s)
    line = moved(frames, found, starts_s, float(starts_s[-1] + tail_s))
    fall = np.linspace(*_FALL_SEMITONES, len(line.f0_hz))
    deviations = np.where(line.voiced, line.f0_hz, median_hz) / median_hz
    pitch_hz = median_hz * deviations**_DEVIATION_KEPT * np.exp2(fall / 12)
    return replace(line, f0_hz=np.where(line.voiced, pitch_hz, 0.0))


def _steadied(frames: Frames) -> Frames:
    """Return ``frames`` without the trembling of their pitch."""
    if not frames.median_f0_hz:
        return frames
    logarithms = np.log2(np.where(frames.voiced, frames.f0_hz, 1.0))
    voiced = frames.voiced.astype(np.float64)
    width = _STEADIED_S / frames.frame_s
    weights = gaussian_filter1d(voiced, width)
    smooth: Floats = gaussian_filter1d(logarithms * voiced, width) / np.maximum(weights, 1e-9)
    return replace(frames, f0_hz=np.where(frames.voiced, np.exp2(smooth), 0.0))
