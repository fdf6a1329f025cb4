"""Silence at both ends of a recording, and taking it away."""

import numpy as np

from lauter.datasets.audio import Samples

_MARGIN_S = 0.05
_FRAME_S = 0.005
_SILENCE_DB = -50.0


def trimmed(samples: Samples, sample_rate: int) -> Samples:
    """Return ``samples`` without the silence at both ends, but for a margin of 50 ms.

    Silent is what lies 50 dB under the loudest 5 ms: the breath of an f stays.
    """
    size = round(_FRAME_S * sample_rate)
    whole = len(samples) // size
    if not whole:
        return samples
    frames = samples[: whole * size].reshape(whole, size).astype(np.float64)
    powers = np.mean(frames**2, axis=1)
    loud = np.flatnonzero(powers > powers.max() * 10 ** (_SILENCE_DB / 10))
    if not len(loud):
        return samples
    margin = round(_MARGIN_S * sample_rate)
    start = max(0, int(loud[0]) * size - margin)
    end = min(len(samples), (int(loud[-1]) + 1) * size + margin)
    return samples[start:end]
