"""Silence around and within speech: put in, and taken away.

Silent is what lies 40 dB under the loudest 10 ms for a tenth of a second and more.
"""

import numpy as np

from lauter.datasets.audio import Samples

_FRAME_S = 0.010
_SILENCE_DB = -40.0
_LEAST_PAUSE_S = 0.1
_KEPT_S = 0.2
"""So much of a pause within speech stays, and half of it at either end."""

Stretch = tuple[int, int]
"""From a sample up to another."""


def pauses(samples: Samples, sample_rate: int) -> list[Stretch]:
    """Return the silent stretches of ``samples``, in order; those at the ends too."""
    size = round(_FRAME_S * sample_rate)
    # The end that fills no frame is one too: what is loud in it is no silence.
    frames = np.pad(samples.astype(np.float64), (0, -len(samples) % size)).reshape(-1, size)
    if not len(frames):
        return []
    powers = np.mean(frames**2, axis=1)
    silent = powers <= powers.max() * 10 ** (_SILENCE_DB / 10)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], silent, [False]]).astype(np.int8)))
    least = round(_LEAST_PAUSE_S / _FRAME_S)
    return [
        (int(first) * size, min(len(samples), int(end) * size))
        for first, end in edges.reshape(-1, 2)
        if end - first >= least
    ]


def with_silence(samples: Samples, sample_rate: int, seconds: float) -> Samples:
    """Return ``samples`` with so much silence before, behind, and added to each pause within."""
    more = np.zeros(round(seconds * sample_rate), np.float32)
    within = [
        (first + end) // 2
        for first, end in pauses(samples, sample_rate)
        if first > 0 and end < len(samples)
    ]
    pieces: list[Samples] = [more]
    for piece in np.split(samples, within):
        pieces += [piece, more]
    return np.concatenate(pieces)


def without_silence(samples: Samples, sample_rate: int) -> Samples:
    """Return ``samples`` with every pause cut down to 0.2 s, and to 0.1 s at both ends."""
    kept = np.ones(len(samples), bool)
    share = round(_KEPT_S / 2 * sample_rate)
    for first, end in pauses(samples, sample_rate):
        begin = first + share if first else 0
        until = end - share if end < len(samples) else end
        kept[begin : max(begin, until)] = False
    cut: Samples = samples[kept] if kept.any() else samples
    return cut
