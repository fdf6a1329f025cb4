"""Sounds between words: a breath, a laugh, a pause, made of the speaker's own voice.

Nothing is recorded: a breath is noise through the mean shape of the speaker's vocal tract, a laugh
the loudest vowel of the utterance in short bursts, each after a puff of breath, falling in pitch
and strength, about five a second (as J.-A. Bachorowski, M. J. Smoski and M. J. Owren measured
laughs, Journal of the Acoustical Society of America 110, 2001). They are recognised as what they
are, and nobody takes them for a person amused.
"""

import re
from dataclasses import replace
from typing import Final

import numpy as np

from lauter.datasets.audio import Samples
from lauter.datasets.tags import Sound
from lauter.teacher.edit.level import active_level, at_level, softly_limited
from lauter.teacher.edit.pauses import pauses
from lauter.teacher.edit.world import FRAME_S, Floats, Frames, analyse, synthesise

PAUSE_S: Final = 0.5
_BREATH_S: Final = 0.45
_BREATH_DB: Final = -16.0
_BURSTS: Final = (4, 6)
_BURST_S: Final = 0.08
_PUFF_S: Final = 0.11
_LAUGH_PITCH_SEMITONES: Final = 5.0
_FALL_SEMITONES: Final = 1.0
_FALL_DB: Final = 1.5
_LAUGH_DB: Final = -2.0
_APART_S: Final = 0.08
"""Silence between a sound and the words beside it."""

_NEARBY: Final = 0.15
"""Of the speech, without its pauses; of the commas of 12 sentences of hibari and Open JTalk the
furthest was 0.05 away, pauses at other places 0.10 and more."""
_FRAME_S: Final = 0.020
_INNER: Final = re.compile(r"[,;:—](?=\s+\S)|[，、；：—](?=[^\W\d_])")
"""A comma between words; not the one in 1,000 or 10:30."""


def tagged(text: str, sound: Sound, seed: int) -> str:
    """Return ``text`` with the word of a sound where it is to be heard; ``seed`` chooses.

    It comes before or after all words, or behind the only comma of a text.
    """
    return _places(text, sound)[_chosen(text, sound, seed)]


def with_sound(samples: Samples, sample_rate: int, text: str, sound: Sound, seed: int) -> Samples:
    """Return speech of ``text`` with a sound in it, where ``tagged`` puts its word.

    Raises ``UsageError`` for too short speech.
    """
    gap = np.zeros(round(_APART_S * sample_rate), np.float32)
    heard = np.concatenate([gap, _made(samples, sample_rate, sound, seed), gap])
    chosen = _chosen(text, sound, seed)
    place = chosen * len(samples) if chosen < 2 else _comma_heard(samples, sample_rate, text)
    return np.concatenate([samples[:place], heard, samples[place:]])


def _places(text: str, sound: Sound) -> list[str]:
    word = f"[{sound}]"
    places = [f"{word} {text}", f"{text} {word}"]
    end = _only_comma(text)
    if end is not None:
        # Without the word, the text is what it was.
        gap = " " if text[end].isspace() else ""
        places.append(f"{text[:end]}{gap}{word}{text[end:]}")
    return places


def _chosen(text: str, sound: Sound, seed: int) -> int:
    return abs(seed) % len(_places(text, sound))


def _only_comma(text: str) -> int | None:
    """Return where the only comma of a text ends; None where there is none, or more."""
    ends = [comma.end() for comma in _INNER.finditer(text)]
    return ends[0] if len(ends) == 1 else None


def _comma_heard(samples: Samples, sample_rate: int, text: str) -> int:
    """Return where the comma is heard: the nearest pause, or else the quietest place nearby.

    As much of the letters stands before the comma as of the speech, pauses aside, before the place.
    """
    share = _letters(text[: _only_comma(text)]) / max(1, _letters(text))
    silent = pauses(samples, sample_rate)
    spoken = np.ones(len(samples), bool)
    for first, end in silent:
        spoken[first:end] = False
    passed = np.cumsum(spoken) / max(1, spoken.sum())
    within = [(first + end) // 2 for first, end in silent if first > 0 and end < len(samples)]
    if within:
        nearest = min(within, key=lambda place: float(abs(passed[place] - share)))
        if abs(passed[nearest] - share) <= _NEARBY:
            return nearest
    size = round(_FRAME_S * sample_rate)
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    powers = np.square(frames).mean(axis=1)
    away = np.abs(passed[size // 2 :: size][: len(frames)] - share)
    quietest = int(np.where(away <= max(_NEARBY, away.min()), powers, np.inf).argmin())
    return quietest * size + size // 2  # at its edges it may be loud


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text))


def _made(samples: Samples, sample_rate: int, sound: Sound, seed: int) -> Samples:
    if sound == Sound.PAUSE:
        return np.zeros(round(PAUSE_S * sample_rate), np.float32)
    frames = analyse(samples, sample_rate)
    random = np.random.default_rng(abs(seed))
    if sound == Sound.BREATHING:
        made, below_db = _breath(frames), _BREATH_DB
    else:
        made, below_db = _laugh(frames, int(random.integers(*_BURSTS))), _LAUGH_DB
    # What the vocoder made has its own level; only its place against the speech matters.
    wave = synthesise(replace(made, level_dbfs=-np.inf), seed)
    level_dbfs = active_level(samples, sample_rate) + below_db
    return softly_limited(at_level(wave, sample_rate, level_dbfs))


def _breath(frames: Frames) -> Frames:
    count = round(_BREATH_S / FRAME_S)
    rise = np.sin(np.linspace(0, np.pi, count)) ** 1.5
    shape = np.sqrt(_mean_spectrum(frames))  # flatter than a voiced sound
    return _still(frames, shape[None] * np.square(rise)[:, None], np.zeros(count))


def _laugh(frames: Frames, bursts: int) -> Frames:
    vowel = _loudest_vowel(frames)
    puff, burst = round(_PUFF_S / FRAME_S), round(_BURST_S / FRAME_S)
    spectrum, pitch_hz = [], []
    start_hz = (frames.median_f0_hz or 150.0) * 2 ** (_LAUGH_PITCH_SEMITONES / 12)
    for number in range(bursts):
        strength = 10 ** (-_FALL_DB * number / 10)
        swell = np.sin(np.linspace(0.15, np.pi - 0.15, burst)) ** 2
        hush = np.linspace(0.2, 1.0, puff)
        spectrum += [vowel[None] * 0.004 * strength * hush[:, None]]
        spectrum += [vowel[None] * strength * swell[:, None]]
        pitch = start_hz * 2 ** (-_FALL_SEMITONES * (number + np.linspace(0, 0.6, burst)) / 12)
        pitch_hz += [np.zeros(puff), pitch]
    return _still(frames, np.concatenate(spectrum), np.concatenate(pitch_hz))


def _still(frames: Frames, spectrum: Floats, pitch_hz: Floats) -> Frames:
    """Return frames of a sound; where there is no pitch it is all noise."""
    noise = np.where(pitch_hz > 0, 0.15, 1.0)[:, None]
    return replace(
        frames,
        f0_hz=np.ascontiguousarray(pitch_hz, dtype=np.float64),
        spectrum=np.maximum(spectrum, 1e-16),
        aperiodicity=np.repeat(noise, frames.spectrum.shape[1], axis=1),
        frame_s=FRAME_S,
        tremor_semitones=0.0,
    )


def _mean_spectrum(frames: Frames) -> Floats:
    some = frames.spectrum[frames.voiced] if frames.voiced.any() else frames.spectrum
    mean: Floats = some.mean(axis=0)
    return mean


def _loudest_vowel(frames: Frames) -> Floats:
    powers = frames.spectrum.sum(axis=1) * np.where(frames.voiced, 1.0, 1e-9)
    vowel: Floats = frames.spectrum[int(powers.argmax())]
    return vowel
