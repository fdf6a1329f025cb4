"""Whether one voice sings: windows of a line held against the mean voice of its whole song.

A second singer, a choir or what a separator left of the band moves a window away from the voice
that sings most of the song. Windows of 1.6 s step by 0.8 s. It needs no reference recording, and so
cannot tell that a whole song is sung by another than its description says.
"""

from collections.abc import Sequence

import numpy as np

from lauter.datasets.audio import Samples
from lauter.filters.speaker import SAMPLE_RATE, Embedding, SpeakerEncoder, mean_voice

WINDOW_S = 1.6
STEP_S = 0.8
LEAST_S = 0.8
"""A window shorter than this tells nothing of a voice."""
MOST_WINDOWS = 60
"""So many windows, evenly chosen, make a song's mean voice."""

SETTINGS = [SAMPLE_RATE, WINDOW_S, STEP_S, LEAST_S, MOST_WINDOWS]
"""What decides likeness beside the encoder, for fingerprints."""


def windows(audio: Samples) -> list[Samples]:
    """Return the windows of 16 kHz ``audio``; of what is shorter than one, all of it."""
    size, step = round(WINDOW_S * SAMPLE_RATE), round(STEP_S * SAMPLE_RATE)
    starts = range(0, max(1, len(audio) - size + 1), step)
    found = [audio[start : start + size] for start in starts]
    return [window for window in found if len(window) >= LEAST_S * SAMPLE_RATE]


def voice_of_song(
    encoder: SpeakerEncoder, voice: Samples, spans_s: Sequence[tuple[float, float]]
) -> Embedding | None:
    """Return the mean voice, a unit vector, of 16 kHz audio where ``spans_s`` say that one sings.

    None where nobody sings long enough.
    """
    found = [
        window
        for start_s, end_s in spans_s
        for window in windows(voice[round(start_s * SAMPLE_RATE) : round(end_s * SAMPLE_RATE)])
    ]
    if not found:
        return None
    chosen = np.unique(np.linspace(0, len(found) - 1, min(len(found), MOST_WINDOWS)).round())
    return mean_voice(np.stack(encoder.embed([found[int(place)] for place in chosen])))


def likeness(encoder: SpeakerEncoder, clip: Samples, voice: Embedding) -> float | None:
    """Return the least cosine of a 16 kHz clip's windows to ``voice``; None of too short a clip."""
    found = windows(clip)
    return min(float(one @ voice) for one in encoder.embed(found)) if found else None
