"""From performed lines to a song: each begins on a bar, with at least a bar between them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lauter.datasets.audio import Samples
from lauter.teacher.edit.level import active_level
from lauter.teacher.song.accompaniment import Backing, accompaniment
from lauter.teacher.song.performance import Performance

PEAK = 0.9
"""The loudest sample of a mixed song."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """A song in two tracks of one length, and when the audio of each line begins, in seconds."""

    voice: Samples
    accompaniment: Samples
    starts_s: tuple[float, ...]


def arrange(
    lines: Sequence[Performance], backing: Backing, sample_rate: int, seed: int = 0
) -> Arrangement:
    """Lay lines over a band: a bar before the first, the first syllable of each on a bar's one."""
    starts_s, bar = [], 1
    for line in lines:
        starts_s.append(bar * backing.bar_s - line.first_syllable_s)
        end_s = starts_s[-1] + len(line.samples) / sample_rate
        bar = math.ceil(end_s / backing.bar_s) + 1
    band = accompaniment(backing, bar, sample_rate, seed)
    voice = np.zeros(len(band), np.float32)
    for start_s, line in zip(starts_s, lines, strict=True):
        first = round(start_s * sample_rate)
        voice[first : first + len(line.samples)] += line.samples
    return Arrangement(voice, band, tuple(starts_s))


def mixed(
    voice: Samples, band: Samples, sample_rate: int, voice_over_band_db: float
) -> tuple[Samples, Samples]:
    """Return the song, and the voice as it stands in it, with its loudest sample at ``PEAK``.

    The voice's active level lies so many decibels over the level of the band.
    """
    band_db = 10 * math.log10(float(np.mean(band.astype(np.float64) ** 2)))
    gain_db = band_db + voice_over_band_db - active_level(voice, sample_rate)
    louder = voice * np.float32(10 ** (gain_db / 20))
    song = louder + band
    scale = np.float32(PEAK / float(np.abs(song).max()))
    return song * scale, louder * scale
