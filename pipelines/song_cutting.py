"""Where a sung line really begins and ends: lyrics' times, corrected by where a voice is heard.

Pure functions of times in seconds. Lyrics are typed by hand: they come late as a whole, and where
a line ends is seldom known. So a song's lyrics are first moved together to where they fit its voice
best; then each line is widened or narrowed to the stretches of voice that it touches, never into
its neighbours, and cut where it is quietest.
"""

from collections.abc import Sequence
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

MOST_SHIFT_S = 1.0
"""Lyrics that are further off belong to another recording."""
SHIFT_STEP_S = 0.05
LEAST_GAIN = 0.03
"""A shift must win at least this share of the lyrics' time; less is chance."""
MARGIN_S = 0.35
"""So far beyond the lyrics' times a line may reach."""
PAD_S = 0.1
"""Silence that is left before and behind a voice."""
QUIET_WITHIN_S = 0.12
"""Where a voice goes on beyond the margin, it is cut where it is quietest so near to it."""
FRAME_S = 0.01

LOUD_WITHIN_DB = 20.0
"""A voice is heard where it is so near to the loud parts of the song's voice: detectors of speech
miss the ends of held notes."""
LEAST_LOUD_S = 0.1

SETTINGS = [
    MOST_SHIFT_S, SHIFT_STEP_S, LEAST_GAIN, MARGIN_S, PAD_S, QUIET_WITHIN_S, FRAME_S,
    LOUD_WITHIN_DB, LEAST_LOUD_S,
]  # fmt: skip
"""What decides cuts, for fingerprints."""

Span = tuple[float, float]


def loud_spans_s(power: NDArray[np.float64]) -> list[Span]:
    """Return where a voice is loud, in seconds; ``power`` is ``[frames]``, every 10 ms."""
    loud = power >= np.percentile(power, 95) * 10 ** (-LOUD_WITHIN_DB / 10)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], loud & (power > 0), [False]])))
    spans = zip(edges[::2] * FRAME_S, edges[1::2] * FRAME_S, strict=True)
    return [(float(a), float(b)) for a, b in spans if b - a >= LEAST_LOUD_S]


def overlap_s(one: Span, other: Span) -> float:
    """Return how long two spans overlap."""
    return max(0.0, min(one[1], other[1]) - max(one[0], other[0]))


def timing_shift_s(lines: Sequence[Span], voice: Sequence[Span]) -> float:
    """Return by how much lyrics must be moved to lie best upon the ``voice``; 0 if that is unclear.

    Only times at which lyrics have gaps can tell: without any, every shift fits alike.
    """
    steps = round(MOST_SHIFT_S / SHIFT_STEP_S)
    shifts = sorted(range(-steps, steps + 1), key=abs)
    covered = {}
    for step in shifts:
        shift_s = step * SHIFT_STEP_S
        moved = [(start + shift_s, end + shift_s) for start, end in lines]
        covered[step] = sum(overlap_s(line, span) for line in moved for span in voice)
    best = max(shifts, key=lambda step: covered[step])
    enough = covered[best] - covered[0] >= LEAST_GAIN * sum(end - start for start, end in lines)
    return best * SHIFT_STEP_S if enough else 0.0


def cut_span(
    line: Span, neighbours: Span, voice: Sequence[Span], power: NDArray[np.float64]
) -> Span:
    """Return where to cut a ``line`` out of a song whose ``voice`` is heard in these spans.

    ``neighbours`` are the end of the line before and the start of the line behind; ``power`` is
    ``[frames]``, of the voice, every 10 ms. A line in which no voice is heard keeps its times.
    """
    first_s = max(line[0] - MARGIN_S, min(neighbours[0], line[0]))
    last_s = min(line[1] + MARGIN_S, max(neighbours[1], line[1]))
    if not any(overlap_s(span, (first_s, last_s)) for span in voice):
        return line
    heard = [
        span for span in (*voice, *loud_spans_s(power)) if overlap_s(span, (first_s, last_s)) > 0
    ]
    begins_s, ends_s = min(span[0] for span in heard), max(span[1] for span in heard)
    start_s = begins_s - PAD_S if begins_s > first_s else _quietest(power, first_s)
    end_s = ends_s + PAD_S if ends_s < last_s else _quietest(power, last_s)
    end_of_song_s = len(power) * FRAME_S
    start_s, end_s = max(0.0, start_s), min(end_s, end_of_song_s)
    return (start_s, end_s) if end_s - start_s > PAD_S else line


def neighbours_of(lines: Sequence[Span]) -> list[Span]:
    """Return, for each line in order, where the one before ends and the one behind begins."""
    before = [0.0, *(end for _, end in lines[:-1])]
    behind = [start for start, _ in lines[1:]]
    return list(zip_longest(before[: len(lines)], behind, fillvalue=np.inf))


def _quietest(power: NDArray[np.float64], around_s: float) -> float:
    reach = round(QUIET_WITHIN_S / FRAME_S)
    middle = round(around_s / FRAME_S)
    first = max(0, middle - reach)
    near = power[first : middle + reach + 1]
    return (first + int(near.argmin()) + 0.5) * FRAME_S if len(near) else around_s
