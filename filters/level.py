"""How loud speech is, and whether it was cut at the top.

Clipping is looked for in the shape, not at full scale: audio that was clipped and then turned
down is still damaged.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lauter.datasets.audio import Samples
from lauter.datasets.identity import content_id
from lauter.datasets.records import described
from lauter.filters.protocol import Sample

SILENCE_DB = -120.0
"""What digital silence is given as."""
FRAME_S = 0.025
ACTIVE_WITHIN_DB = 25.0
"""A frame this far below the loud ones (95th percentile) is a pause."""
FLAT_RUN = 3
"""Samples in a row at the top that no undamaged wave of speech has."""
FLAT_WITHIN = 1e-3
"""How near the top, as a share of it, counts as at the top."""


def decibels(power: float) -> float:
    """Return a mean square as dB relative to full scale, at least ``SILENCE_DB``."""
    return max(SILENCE_DB, 10.0 * float(np.log10(power))) if power > 0.0 else SILENCE_DB


def frame_powers(audio: Samples, frame: int) -> NDArray[np.float64]:
    """Return the mean square of each whole frame of ``frame`` samples; at least one frame."""
    padded = audio if len(audio) >= frame else np.pad(audio, (0, frame - len(audio)))
    frames = padded[: len(padded) // frame * frame].reshape(-1, frame)
    powers: NDArray[np.float64] = np.mean(frames.astype(np.float64) ** 2, axis=1)
    return powers


def active_level_db(audio: Samples, sample_rate: int) -> float:
    """Return the level of speech without its pauses, in dB relative to full scale."""
    powers = frame_powers(audio, round(FRAME_S * sample_rate))
    loud = float(np.percentile(powers, 95))
    return decibels(float(powers[powers >= loud * 10 ** (-ACTIVE_WITHIN_DB / 10)].mean()))


def clipped_ratio(audio: Samples) -> float:
    """Return the share of samples that lie in flat runs at the loudest value."""
    magnitude = np.abs(audio)
    peak = float(magnitude.max(initial=0.0))
    if peak == 0.0:
        return 0.0
    at_top = magnitude >= peak * (1.0 - FLAT_WITHIN)
    if np.count_nonzero(at_top) < FLAT_RUN:
        return 0.0  # as of all undamaged speech, at a tenth of the cost
    at_top = np.concatenate([[False], at_top, [False]])
    edges = np.flatnonzero(np.diff(at_top.astype(np.int8)))
    runs = edges[1::2] - edges[::2]
    return float(runs[runs >= FLAT_RUN].sum()) / len(audio)


class LevelScorer:
    """Peak, active level, clipping."""

    name = "level"
    fields: ClassVar[Sequence[pa.Field]] = (
        described("clipped_ratio", pa.float64(), "Share of samples cut flat at the loudest value"),
        described("peak_db", pa.float64(), "Loudest sample, relative to full scale", unit="dB"),
        described("energy_db", pa.float64(), "Level of speech without its pauses", unit="dB"),
    )

    def fingerprint(self) -> str:
        """Return the digest of the settings."""
        settings = [FRAME_S, ACTIVE_WITHIN_DB, FLAT_RUN, FLAT_WITHIN]
        return content_id("lauter.level.v1", {"settings": settings})

    def score(self, samples: Sequence[Sample]) -> Sequence[Mapping[str, Any] | Exception]:
        """Measure each clip at its own sample rate."""
        return [
            {
                "clipped_ratio": clipped_ratio(sample.clip.samples),
                "peak_db": decibels(float(np.abs(sample.clip.samples).max(initial=0.0)) ** 2),
                "energy_db": active_level_db(sample.clip.samples, sample.clip.sample_rate),
            }
            for sample in samples
        ]
