"""A band out of sines and noise: chords, bass and drums in a key and a tempo.

It is made so that voices can be mixed with something whose every sample is known and nobody's
property. Four chords a round, one a bar; bass in eighths, kick, snare and hats where pop has them.
It is no music that anyone would buy: what a recorded band does besides (rooms, other singers,
guitars that sound like voices) is not in it, so figures taken on it are kinder than life.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lauter.datasets.audio import Samples

BEATS_A_BAR = 4

_MAJOR_ROUND = ((0, 4, 7), (9, 12, 16), (5, 9, 12), (7, 11, 14))
_MINOR_ROUND = ((0, 3, 7), (8, 12, 15), (3, 7, 10), (10, 14, 17))
_CHORD_HZ = (160.0, 320.0)
"""The octave in which chords lie; the bass has the two below."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Backing:
    """What a band is told: tempo, the tonic in any octave, and whether the key is a minor one."""

    beats_per_minute: float
    tonic_hz: float
    minor: bool = False

    @property
    def beat_s(self) -> float:
        """Length of a beat, in seconds."""
        return 60.0 / self.beats_per_minute

    @property
    def bar_s(self) -> float:
        """Length of a bar, in seconds."""
        return BEATS_A_BAR * self.beat_s


def accompaniment(backing: Backing, bars: int, sample_rate: int, seed: int = 0) -> Samples:
    """Return ``bars`` bars of accompaniment, the first beat at 0; the same each time.

    ``seed`` chooses the noise of drums. The level is about -20 dB under full scale.
    """
    noise = np.random.default_rng(seed)
    total = np.zeros(round((bars * backing.bar_s + 1.0) * sample_rate))
    tonic_hz = _CHORD_HZ[0] * 2 ** (np.log2(backing.tonic_hz / _CHORD_HZ[0]) % 1.0)
    chords = _MINOR_ROUND if backing.minor else _MAJOR_ROUND
    beat_s = backing.beat_s
    for bar in range(bars):
        start_s = bar * backing.bar_s
        chord = chords[bar % len(chords)]
        for semitones in chord:
            hz = tonic_hz * 2 ** (semitones % 12 / 12)
            for half in (0.0, 2.0):
                tone = _tone(hz, 2 * beat_s, sample_rate, partials=6, fade_s=0.9 * beat_s)
                _add(total, start_s + half * beat_s, 0.05 * tone, sample_rate)
        for eighth in range(2 * BEATS_A_BAR):
            at_s = start_s + eighth * beat_s / 2
            bass = _tone(tonic_hz * 2 ** (chord[0] % 12 / 12) / 4, beat_s / 2, sample_rate,
                         partials=3, fade_s=0.3)  # fmt: skip
            _add(total, at_s, 0.12 * bass, sample_rate)
            _add(total, at_s, 0.03 * _hat(noise, sample_rate), sample_rate)
            if eighth % 4 == 0:
                _add(total, at_s, 0.3 * _kick(sample_rate), sample_rate)
            if eighth % 4 == 2:
                _add(total, at_s, 0.12 * _snare(noise, sample_rate), sample_rate)
    return total.astype(np.float32)


def _add(total: Floats, start_s: float, sound: Floats, sample_rate: int) -> None:
    first = round(start_s * sample_rate)
    part = sound[: max(0, len(total) - first)]
    total[first : first + len(part)] += part


def _tone(
    hz: float, duration_s: float, sample_rate: int, *, partials: int, fade_s: float
) -> Floats:
    """Return a plucked tone: partials that fall off by 1/n, the high ones sooner."""
    seconds = np.arange(round(duration_s * sample_rate)) / sample_rate
    tone = np.zeros(len(seconds))
    for number in range(1, partials + 1):
        if number * hz < sample_rate / 2:
            decay = np.exp(-seconds * number**0.5 / fade_s)
            tone += np.sin(2 * np.pi * number * hz * seconds) * decay / number
    attack = np.minimum(1.0, seconds / 0.005)
    release = np.minimum(1.0, (duration_s - seconds) / 0.02)
    return tone * attack * release


def _kick(sample_rate: int) -> Floats:
    seconds = np.arange(round(0.15 * sample_rate)) / sample_rate
    phase = 2 * np.pi * (50 * seconds + 100 * 0.03 * (1 - np.exp(-seconds / 0.03)))
    kick: Floats = np.sin(phase) * np.exp(-seconds / 0.05)
    return kick


def _snare(noise: np.random.Generator, sample_rate: int) -> Floats:
    seconds = np.arange(round(0.15 * sample_rate)) / sample_rate
    rattle = noise.standard_normal(len(seconds)) * np.exp(-seconds / 0.04)
    snare: Floats = rattle + np.sin(2 * np.pi * 190 * seconds) * np.exp(-seconds / 0.03)
    return snare


def _hat(noise: np.random.Generator, sample_rate: int) -> Floats:
    seconds = np.arange(round(0.05 * sample_rate)) / sample_rate
    hiss = np.diff(noise.standard_normal(len(seconds) + 1))
    hat: Floats = hiss * np.exp(-seconds / 0.012)
    return hat
