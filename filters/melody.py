"""Whether the tune is the one asked for: the pitch that is sung, held against the notes.

A frame of 10 ms in which a note should sound, and a pitch was found, is right where the two are
less than half a semitone apart. ``pitch_accuracy`` folds octaves (the tracker leaps by them, and
so do singers), ``raw_pitch_accuracy`` does not; these are raw chroma and raw pitch accuracy of
melody evaluation (G. Poliner et al., IEEE TASLP 15(4), 2007; mir_eval), but for frames without a
pitch, which are left out: whether there is a voice is other scorers' question. A song in another
key than its notes is not wrong: the transposition that fits the whole song best is taken out.
By chance a frame is right in one of twelve.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lauter.datasets.identity import content_id
from lauter.datasets.records import described
from lauter.filters.prosody import FRAME_S, HIGHEST_HZ, LOWEST_HZ, SAMPLE_RATE, pitch_hz
from lauter.filters.protocol import Sample

WITHIN_SEMITONES = 0.5
LEAST_FRAMES = 20
"""Less than so many frames with a note and a pitch tell nothing."""
_STEP_SEMITONES = 0.1

SETTINGS = [
    WITHIN_SEMITONES, LEAST_FRAMES, _STEP_SEMITONES, SAMPLE_RATE, LOWEST_HZ, HIGHEST_HZ, FRAME_S
]  # fmt: skip
"""What decides accuracy and key, for fingerprints."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MelodyNote:
    """A note that should sound from ``start_s`` to ``end_s`` at ``pitch_hz``."""

    start_s: float
    end_s: float
    pitch_hz: float


def deviations(f0_hz: Floats, notes: Sequence[MelodyNote], frame_s: float = FRAME_S) -> Floats:
    """Return, for each frame with a note and a pitch, how many semitones it lies above the note.

    ``f0_hz`` is ``[frames]``, 0 where nothing is voiced; frame i is at i · ``frame_s``.
    """
    asked = np.zeros(len(f0_hz))
    for note in notes:
        first, last = (max(0, round(at_s / frame_s)) for at_s in (note.start_s, note.end_s))
        asked[first:last] = note.pitch_hz
    told = (f0_hz > 0) & (asked > 0)
    apart: Floats = 12 * np.log2(f0_hz[told] / asked[told])
    return apart


def accuracy(deviations_st: Floats, transposition_st: float = 0.0, *, fold: bool = True) -> float:
    """Return the share of ``deviations_st`` (``[frames]``) within half a semitone; 0 of none."""
    apart = deviations_st - transposition_st
    if fold:
        apart = (apart + 6) % 12 - 6
    return float(np.mean(np.abs(apart) < WITHIN_SEMITONES)) if len(apart) else 0.0


def best_transposition(deviations_st: Floats) -> float:
    """Return the transposition, in semitones, by which most of a whole song is right; 0 of none.

    Of those that are equally good it is the middle one; its octave is the one most sung in.
    """
    if not len(deviations_st):
        return 0.0
    candidates = np.arange(-60, 60) * _STEP_SEMITONES
    shares = np.array([accuracy(deviations_st, one) for one in candidates])
    best = float(candidates[int(shares.argmax())])
    near = (deviations_st - best + 6) % 12 - 6
    middle = best + float(np.median(near[np.abs(near) < WITHIN_SEMITONES]))
    octaves = round(float(np.median((deviations_st - middle) / 12)))
    return middle + 12 * octaves


class MelodyScorer:
    """Pitch accuracy of lines that came with notes (``notes``, ``transposition_st``)."""

    name = "melody"
    fields: ClassVar[Sequence[pa.Field]] = (
        described("pitch_accuracy", pa.float64(), "Share of sung frames on the note, any octave"),
        described("raw_pitch_accuracy", pa.float64(), "Share of sung frames on the note itself"),
    )

    def fingerprint(self) -> str:
        """Return the digest of the settings."""
        return content_id("lauter.melody.v1", {"settings": SETTINGS})

    def score(self, samples: Sequence[Sample]) -> Sequence[Mapping[str, Any] | Exception]:
        """Measure the clips that have notes; the others are not applicable."""
        return [self._figures(sample) for sample in samples]

    def _figures(self, sample: Sample) -> dict[str, float]:
        notes = [MelodyNote(**note) for note in sample.scores.get("notes") or ()]
        apart = deviations(pitch_hz(sample.clip.at(SAMPLE_RATE)), notes) if notes else np.empty(0)
        if len(apart) < LEAST_FRAMES:
            return {}
        transposition_st = sample.scores.get("transposition_st") or 0.0
        return {
            "pitch_accuracy": accuracy(apart, transposition_st),
            "raw_pitch_accuracy": accuracy(apart, transposition_st, fold=False),
        }
