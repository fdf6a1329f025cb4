"""Whether rap is on the beat: how far its syllables begin from the sixteenths of a bar.

What a listener hears as the moment of a syllable is the onset of its vowel, so that is looked for:
where the energy between 300 and 2500 Hz comes within 6 dB of a peak (after N. H. de Jong and
T. Wempe, Behavior Research Methods 41, 2009). Alignment is 1 where every vowel begins on the grid
and 0 where they begin anywhere; by chance it spreads by 0.58 over the root of their number.

The tempo is the song's where its description says it, and else estimated from the accompaniment:
the lag at which its onsets repeat best (after D. Ellis, Beat tracking by dynamic programming,
J. New Music Research 36(1), 2007, without the tracking: a computed or edited band keeps its tempo).
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks, stft

from lauter.datasets.audio import Samples, resample
from lauter.datasets.identity import content_id
from lauter.datasets.records import described
from lauter.datasets.tags import Style
from lauter.filters.protocol import Sample

SAMPLE_RATE = 16_000
HOP = 80
"""5 ms."""
BAND_HZ = (300.0, 2500.0)
RANGE_DB = 30.0
PROMINENCE_DB = 1.0
VOWEL_DB = 6.0
SMOOTHING_S = 0.015
SHORTEST_S = 0.08
SIXTEENTHS_A_BEAT = 4
CHANCE = 0.25
"""The mean distance to the nearest grid line, in steps of the grid, where there is no rhythm."""
LEAST_SYLLABLES = 4
TEMPI = (60.0, 180.0)
TEMPO_STEP = 0.05
USUAL_TEMPO = 110.0
USUAL_WITHIN_OCTAVES = 0.7
BEATS_A_LAG = (1, 2, 4, 8)

_FLUX_HOP = 160
_FRAME_S = HOP / SAMPLE_RATE
_FLUX_S = _FLUX_HOP / SAMPLE_RATE

SETTINGS = [
    SAMPLE_RATE, HOP, *BAND_HZ, RANGE_DB, PROMINENCE_DB, VOWEL_DB, SMOOTHING_S, SHORTEST_S,
    SIXTEENTHS_A_BEAT, CHANCE, LEAST_SYLLABLES, *TEMPI, TEMPO_STEP, USUAL_TEMPO,
    USUAL_WITHIN_OCTAVES, *BEATS_A_LAG, _FLUX_HOP,
]  # fmt: skip
"""What decides onsets, tempo and alignment, for fingerprints."""

Floats = NDArray[np.float64]


def vowel_onsets_s(audio: Samples) -> Floats:
    """Return when the vowels of 16 kHz ``audio`` begin, in seconds, in order."""
    padded = np.pad(audio, (0, max(0, 400 - len(audio))))
    frequencies, _, spectrum = stft(padded, SAMPLE_RATE, nperseg=400, noverlap=400 - HOP)
    band = (frequencies >= BAND_HZ[0]) & (frequencies <= BAND_HZ[1])
    powers = np.sum(np.abs(spectrum[band]) ** 2, axis=0)
    if not powers.max() > 0:
        return np.empty(0)
    decibels = 10 * np.log10(np.maximum(powers, powers.max() * 1e-5))
    envelope = gaussian_filter1d(decibels, SMOOTHING_S / _FRAME_S)
    peaks, _ = find_peaks(
        envelope,
        prominence=PROMINENCE_DB,
        distance=round(SHORTEST_S / _FRAME_S),
        height=envelope.max() - RANGE_DB,
    )
    if not len(peaks):
        return np.empty(0)
    valleys = [a + int(envelope[a:b].argmin()) for a, b in pairwise(peaks)]
    onsets = []
    for first, peak in zip([0, *valleys], peaks, strict=True):
        weak = np.flatnonzero(envelope[first:peak] < envelope[peak] - VOWEL_DB)
        onsets.append(first + int(weak[-1]) + 1 if len(weak) else first)
    return np.array(onsets) * _FRAME_S


def grid_distance(onsets_s: Floats, beats_per_minute: float, first_beat_s: float) -> float:
    """Return the mean distance of onsets to the nearest sixteenth, in sixteenths: 0 to 0.5."""
    steps = (onsets_s - first_beat_s) * beats_per_minute / 60 * SIXTEENTHS_A_BEAT
    return float(np.mean(np.abs(steps - np.rint(steps))))


def estimate_beat(audio: Samples, sample_rate: int) -> tuple[float, float]:
    """Return beats per minute and a first beat, in seconds, of an accompaniment.

    The tempo may be half or twice what a listener would tap. Silence has ``USUAL_TEMPO`` from 0.
    """
    heard = resample(audio, sample_rate, SAMPLE_RATE)
    _, _, spectrum = stft(heard, SAMPLE_RATE, nperseg=512, noverlap=512 - _FLUX_HOP)
    loudness = np.log1p(1000 * np.abs(spectrum))
    flux = np.maximum(0.0, np.diff(loudness, axis=1)).sum(axis=0)
    flux -= flux.mean()
    if not np.any(flux):
        return USUAL_TEMPO, 0.0
    power = np.abs(np.fft.rfft(flux, 2 * len(flux))) ** 2
    repeats = np.fft.irfft(power)[: len(flux)]
    tempi = np.arange(TEMPI[0], TEMPI[1], TEMPO_STEP)
    lags = 60 / tempi / _FLUX_S
    # The beat and its multiples: a lag of several beats tells the tempo more finely than of one.
    multiples = [n for n in BEATS_A_LAG if n * lags.max() < len(flux) - 1]
    strength = sum(np.interp(n * lags, np.arange(len(flux)), repeats) for n in multiples)
    strength = strength * np.exp(-0.5 * (np.log2(tempi / USUAL_TEMPO) / USUAL_WITHIN_OCTAVES) ** 2)
    tempo = float(tempi[int(np.argmax(strength))])
    period_s = 60 / tempo
    times_s = (np.arange(len(flux)) + 0.5) * _FLUX_S
    angle = np.angle(np.sum(np.maximum(flux, 0) * np.exp(2j * np.pi * times_s / period_s)))
    return tempo, float(angle / (2 * np.pi) % 1.0) * period_s


class BeatScorer:
    """Alignment of rap with the beat that came with it (``beats_per_minute``, ``first_beat_s``)."""

    name = "beat"
    fields: ClassVar[Sequence[pa.Field]] = (
        described(
            "beat_alignment",
            pa.float64(),
            "Syllables on the sixteenths: 1 all, 0 as by chance, below: beside them",
        ),
    )

    def fingerprint(self) -> str:
        """Return the digest of the settings."""
        return content_id("lauter.beat.v1", {"settings": SETTINGS})

    def score(self, samples: Sequence[Sample]) -> Sequence[Mapping[str, Any] | Exception]:
        """Measure rapped clips with a beat; the others are not applicable."""
        return [self._figures(sample) for sample in samples]

    def _figures(self, sample: Sample) -> dict[str, float]:
        tempo = sample.scores.get("beats_per_minute")
        if sample.request.prompt.style != Style.RAP or not tempo:
            return {}
        onsets_s = vowel_onsets_s(sample.clip.at(SAMPLE_RATE))
        if len(onsets_s) < LEAST_SYLLABLES:
            return {}
        distance = grid_distance(onsets_s, tempo, sample.scores.get("first_beat_s") or 0.0)
        return {"beat_alignment": 1 - distance / CHANCE}
