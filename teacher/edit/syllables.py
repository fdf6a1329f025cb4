"""Where the syllables are, and moving them in time.

A syllable's core is a peak of the energy between 300 and 2500 Hz, where vowels are strong and
fricatives are not (after de Jong and Wempe, Behavior Research Methods 41, 2009). Counted on 18
sentences of Kokoro's voices the error is 11 % for English and 4 % for Mandarin; of Japanese, whose
vowels fall silent between voiceless consonants, 11 % fewer are found than there are.

Moved syllables keep their consonants' own time as far as there is room; the vowels give and take,
as they do when a person sings.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from lauter.datasets.tags import Language
from lauter.teacher.edit.world import Floats, Frames

_BAND_HZ = (300.0, 2500.0)
_RANGE_DB = 30.0
_PROMINENCE_DB = 1.0
_VOWEL_DB = 6.0
"""A vowel lasts from where it comes within so much of its peak to where it leaves it."""

_SMOOTHING_S = {Language.JAPANESE: 0.0075}
_SHORTEST_S = {Language.JAPANESE: 0.06}
"""Japanese counts in morae, which are short; the others take the figures below."""

_USUAL_SMOOTHING_S = 0.015
_USUAL_SHORTEST_S = 0.08


@dataclass(frozen=True, slots=True)
class Syllable:
    """The vowel of a syllable: from frame ``onset`` up to frame ``end``."""

    onset: int
    end: int


def syllables(frames: Frames, language: str) -> tuple[Syllable, ...]:
    """Return the syllables of speech in ``language`` (ISO 639-1), in order; silence has none."""
    known = Language(language)
    envelope = _envelope_db(frames, _SMOOTHING_S.get(known, _USUAL_SMOOTHING_S))
    shortest_s = _SHORTEST_S.get(known, _USUAL_SHORTEST_S)
    peaks, _ = find_peaks(
        envelope,
        prominence=_PROMINENCE_DB,
        distance=max(1, round(shortest_s / frames.frame_s)),
        height=envelope.max() - _RANGE_DB,
    )
    if not len(peaks):
        return ()
    valleys = [before + int(envelope[before:after].argmin()) for before, after in pairwise(peaks)]
    bounds = pairwise([0, *valleys, len(envelope) - 1])
    return tuple(
        _vowel(envelope, int(peak), first, last)
        for peak, (first, last) in zip(peaks, bounds, strict=True)
    )


def held(frames: Frames, found: tuple[Syllable, ...]) -> Frames:
    """Return ``frames`` voiced throughout each vowel that is voiced anywhere.

    Where the tracker lost the pitch for some frames, a vowel held for half a second would whisper.
    """
    source = np.arange(len(frames.f0_hz))
    for vowel in found:
        inside = source[vowel.onset : vowel.end]
        voiced = inside[frames.voiced[vowel.onset : vowel.end]]
        if len(voiced):
            nearest = np.abs(inside[:, None] - voiced).argmin(axis=1)
            source[vowel.onset : vowel.end] = voiced[nearest]
    return replace(frames, f0_hz=frames.f0_hz[source], aperiodicity=frames.aperiodicity[source])


def moved(frames: Frames, found: tuple[Syllable, ...], starts_s: Floats, end_s: float) -> Frames:
    """Return ``frames`` with the vowels of ``found`` beginning at ``starts_s`` ``[syllables]``.

    What comes before the first keeps its pace and ends at ``starts_s[0]``; from the last vowel's
    onset to the end of the speech it takes until ``end_s``. All in seconds of the result.
    """
    step = frames.frame_s
    lead = min(found[0].onset * step, float(starts_s[0]))
    places = [found[0].onset - lead / step]
    times = [float(starts_s[0]) - lead]
    onsets = [*(syllable.onset for syllable in found), len(frames.f0_hz) - 1]
    until_s = [*starts_s[1:], end_s]
    for syllable, next_onset, start_s, stop_s in zip(
        found, onsets[1:], starts_s, until_s, strict=True
    ):
        consonants_s = min((next_onset - syllable.end) * step, (stop_s - start_s) / 2)
        places += [syllable.onset, syllable.end]
        times += [start_s, stop_s - consonants_s]
    places.append(onsets[-1])
    times.append(end_s)
    clock = np.arange(round(end_s / step)) * step
    return read_at(frames, np.interp(clock, times, places))


def read_at(frames: Frames, places: Floats) -> Frames:
    """Return ``frames`` read at fractional indices ``places``; voicing comes from the nearest."""
    last = len(frames.f0_hz) - 1
    places = np.clip(places, 0, last)
    below = np.minimum(places.astype(np.int64), max(0, last - 1))
    share = (places - below)[:, None]
    nearest = np.rint(places).astype(np.int64)
    above = np.minimum(below + 1, last)
    return replace(
        frames,
        f0_hz=frames.f0_hz[nearest],
        spectrum=frames.spectrum[below] * (1 - share) + frames.spectrum[above] * share,
        aperiodicity=frames.aperiodicity[below] * (1 - share) + frames.aperiodicity[above] * share,
    )


def stepped(values: Floats, starts: NDArray[np.int64], length: int, glide: int) -> Floats:
    """Return ``[length]``: ``values[i]`` from frame ``starts[i]`` on, gliding over ``glide``."""
    lengths = np.diff([0, *starts[1:], length])
    steps = np.repeat(values, lengths)
    window = np.hanning(glide + 2)[1:-1]
    padded = np.pad(steps, (glide // 2, glide - 1 - glide // 2), mode="edge")
    glided: Floats = np.convolve(padded, window / window.sum(), mode="valid")
    return glided


def _envelope_db(frames: Frames, smoothing_s: float) -> Floats:
    frequencies = frames.frequencies_hz
    band = (frequencies >= _BAND_HZ[0]) & (frequencies <= _BAND_HZ[1])
    powers = frames.spectrum[:, band].sum(axis=1)
    decibels = 10 * np.log10(np.maximum(powers, powers.max() * 1e-5 + 1e-16))
    smooth: Floats = gaussian_filter1d(decibels, smoothing_s / frames.frame_s)
    return smooth


def _vowel(envelope: Floats, peak: int, first: int, last: int) -> Syllable:
    strong = envelope >= envelope[peak] - _VOWEL_DB
    before = np.flatnonzero(~strong[first:peak])
    after = np.flatnonzero(~strong[peak : last + 1])
    onset = first + int(before[-1]) + 1 if len(before) else first
    end = peak + int(after[0]) if len(after) else last
    return Syllable(onset, max(end, onset + 1))
