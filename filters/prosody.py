"""How it was said: pitch, range, pace, level, voicing and tilt of one utterance.

Pitch is WORLD's dio, refined by stonemask (0.006 s for a second of audio). Its slow sister harvest
is thirty times as dear, and its extra frames are the creaky ends of phrases, where pitch means
little: their medians agree to 0.24 semitones (median over 40 clips of four engines).

Syllables are counted as the peaks of loudness between 300 and 3000 Hz that are voiced and stand
out by ``NUCLEUS_DIP_DB`` (after N. H. de Jong and T. Wempe, Behavior Research Methods 41, 2009).

That count is a description: it misses syllables of fast speech. Whether speech is as fast as asked
is measured by its text, which is known (``duration.py``).
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.signal import find_peaks, stft

from lauter.datasets import weights
from lauter.datasets.audio import Clip, Samples, resample
from lauter.datasets.identity import content_id
from lauter.datasets.records import described
from lauter.datasets.tags import Style
from lauter.filters import duration, vad
from lauter.filters.level import ACTIVE_WITHIN_DB, active_level_db
from lauter.filters.margins import DIRECTIONS, SPREAD, Movement, emotion_margin, speed_margin
from lauter.filters.protocol import Sample
from lauter.filters.remembered import Remembered

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pyworld announces the end of pkg_resources
    import pyworld

SAMPLE_RATE = 16_000
FRAME_S = 0.010
LOWEST_HZ = 60.0
HIGHEST_HZ = 700.0

NUCLEUS_BAND_HZ = (300.0, 3000.0)
NUCLEUS_DIP_DB = 1.0
NUCLEUS_SMOOTHING_FRAMES = 3
NUCLEI_APART_FRAMES = 5
TILT_BANDS_HZ = ((50.0, 1000.0), (1000.0, 5000.0))


@dataclass(frozen=True, slots=True)
class Prosody:
    """The measures of one utterance; pitch is None where nothing is voiced.

    ``f0_range_st`` is from the 5th to the 95th percentile of pitch, without leaps of an octave;
    ``energy_db`` the level without pauses; ``syllable_rate`` syllables per second, pauses left
    out; ``voiced_ratio`` the voiced share of the active frames; ``spectral_tilt_db`` how much
    louder it is below 1 kHz than above.
    """

    f0_mean_hz: float | None
    f0_median_hz: float | None
    f0_range_st: float | None
    energy_db: float
    syllable_rate: float
    voiced_ratio: float
    spectral_tilt_db: float


def measure_prosody(samples: Samples, sample_rate: int) -> Prosody:
    """Return the prosody of mono ``samples`` at ``sample_rate`` Hz."""
    audio = resample(samples, sample_rate, SAMPLE_RATE)
    power, frequencies = _power(audio)
    loudness = power.sum(axis=1)
    active = loudness >= np.percentile(loudness, 95) * 10 ** (-ACTIVE_WITHIN_DB / 10)
    f0 = pitch_hz(audio)
    frames = min(len(active), len(f0))
    active, f0, power = active[:frames], f0[:frames], power[:frames]
    voiced = (f0 > 0.0) & active
    pitch = f0[voiced]
    nuclei = _nuclei(power[:, _within(frequencies, NUCLEUS_BAND_HZ)].sum(axis=1), voiced)
    active_s = float(active.sum()) * FRAME_S
    low, high = (
        float(power[active][:, _within(frequencies, band)].sum()) for band in TILT_BANDS_HZ
    )
    return Prosody(
        f0_mean_hz=float(pitch.mean()) if len(pitch) else None,
        f0_median_hz=float(np.median(pitch)) if len(pitch) else None,
        f0_range_st=_range_st(pitch) if len(pitch) else None,
        energy_db=active_level_db(samples, sample_rate),
        syllable_rate=nuclei / active_s if active_s else 0.0,
        voiced_ratio=float(voiced.sum() / max(1, active.sum())),
        spectral_tilt_db=float(10.0 * np.log10((low + 1e-12) / (high + 1e-12))),
    )


def pitch_hz(audio: Samples) -> NDArray[np.float64]:
    """Return the pitch of 16 kHz ``audio`` every 10 ms, in Hz; 0 where it is not voiced."""
    wave = audio.astype(np.float64)
    rough, times = pyworld.dio(wave, SAMPLE_RATE, LOWEST_HZ, HIGHEST_HZ, frame_period=FRAME_S * 1e3)
    refined: NDArray[np.float64] = pyworld.stonemask(wave, rough, times, SAMPLE_RATE)
    return refined


def _power(audio: Samples) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the power spectrum ``[frames, bins]`` every 10 ms, and the bins in Hz."""
    hop = round(FRAME_S * SAMPLE_RATE)
    padded = np.pad(audio, (0, max(0, 512 - len(audio))))
    frequencies, _, spectrum = stft(padded, SAMPLE_RATE, nperseg=512, noverlap=512 - hop)
    return (np.abs(spectrum.T) ** 2).astype(np.float64), frequencies


def _within(frequencies: NDArray[np.float64], band: tuple[float, float]) -> NDArray[np.bool_]:
    return (frequencies >= band[0]) & (frequencies < band[1])


def _range_st(pitch: NDArray[np.float64]) -> float:
    semitones = 12.0 * np.log2(pitch / np.median(pitch))
    without_leaps = semitones[np.abs(semitones) < 11.0]
    low, high = np.percentile(without_leaps, [5.0, 95.0])
    return float(high - low)


def _nuclei(loudness: NDArray[np.float64], voiced: NDArray[np.bool_]) -> int:
    decibels = 10.0 * np.log10(uniform_filter1d(loudness, NUCLEUS_SMOOTHING_FRAMES) + 1e-12)
    floor = np.percentile(decibels, 95) - ACTIVE_WITHIN_DB
    peaks, _ = find_peaks(
        decibels, height=floor, prominence=NUCLEUS_DIP_DB, distance=NUCLEI_APART_FRAMES
    )
    return int(voiced[peaks].sum())


class ProsodyScorer:
    """Pitch, range, pace and tilt, and how far they moved as the prompt asked (``margins.py``).

    Margins need the speaker's reference, and are not applicable to rap and song, whose pitch and
    pace are the beat's and the melody's. The pace is held against the reference's where its text
    is known, else against what is usual in the language.
    """

    name = "prosody"
    fields: ClassVar[Sequence[pa.Field]] = (
        described("f0_mean_hz", pa.float64(), "Mean pitch", unit="Hz"),
        described("f0_median_hz", pa.float64(), "Median pitch", unit="Hz"),
        described("f0_range_st", pa.float64(), "Pitch from 5th to 95th percentile", unit="st"),
        described("syllable_rate", pa.float64(), "Syllables heard, pauses left out", unit="1/s"),
        described("voiced_ratio", pa.float64(), "Voiced share of what is not pause"),
        described("spectral_tilt_db", pa.float64(), "Level below over above 1 kHz", unit="dB"),
        described(
            "emotion_margin",
            pa.float64(),
            "Movement towards the emotion asked: 1 as asked, 0 none, below the other way",
        ),
        described(
            "speed_margin",
            pa.float64(),
            "Movement towards the speed asked: 1 as asked, 0 none, below the other way",
        ),
    )

    def __init__(self, vad_model: str | Path | None = None, references: int = 1024) -> None:
        """``vad_model`` is a path to Silero's ONNX file (None: the packaged one).

        The measures of the ``references`` used last are remembered.
        """
        self._vad_model = vad_model
        self._references = Remembered(_prosody_of, references)
        self._reference_speech_s = Remembered(self._speech_s, references)

    def fingerprint(self) -> str:
        """Return the digest of what is measured and of what is expected of each emotion."""
        settings = {
            "pitch": [LOWEST_HZ, HIGHEST_HZ],
            "nuclei": [NUCLEUS_DIP_DB, NUCLEUS_SMOOTHING_FRAMES, NUCLEI_APART_FRAMES],
            "expected": {str(emotion): repr(moved) for emotion, moved in DIRECTIONS.items()},
            "spread": repr(SPREAD),
            "pace": duration.DurationScorer().fingerprint(),
            "speech": vad.fingerprint(self._vad_model),
        }
        return content_id("lauter.prosody.v1", settings)

    def score(self, samples: Sequence[Sample]) -> Sequence[Mapping[str, Any] | Exception]:
        """Measure each utterance, and what moved where an emotion or a speed was asked for."""
        return [self._figures(sample) for sample in samples]

    def _figures(self, sample: Sample) -> dict[str, float | None]:
        measured = _prosody_of(sample.clip)
        prompt = sample.request.prompt
        asked = (prompt.emotion_level or prompt.speed_level) and prompt.style == Style.PLAIN
        moved = self._movement(sample, measured) if asked else None
        margins: tuple[float | None, float | None] = (None, None)
        if moved is not None:
            felt = prompt.emotion, prompt.emotion_level
            margins = (
                emotion_margin(moved, *felt, prompt.speed_level),
                speed_margin(moved, prompt.speed_level, *felt),
            )
        return {
            "f0_mean_hz": measured.f0_mean_hz,
            "f0_median_hz": measured.f0_median_hz,
            "f0_range_st": measured.f0_range_st,
            "syllable_rate": measured.syllable_rate,
            "voiced_ratio": measured.voiced_ratio,
            "spectral_tilt_db": measured.spectral_tilt_db,
            "emotion_margin": margins[0],
            "speed_margin": margins[1],
        }

    def _movement(self, sample: Sample, measured: Prosody) -> Movement | None:
        """Return how the utterance differs from its reference; None where it cannot be told."""
        if sample.reference is None:
            return None
        neutral = self._references.of(sample.reference)
        if not (
            measured.f0_mean_hz
            and neutral.f0_mean_hz
            and measured.f0_range_st
            and neutral.f0_range_st
        ):
            return None
        return Movement(
            pitch_st=12.0 * float(np.log2(measured.f0_mean_hz / neutral.f0_mean_hz)),
            range_octaves=float(np.log2(measured.f0_range_st / neutral.f0_range_st)),
            energy_db=measured.energy_db - neutral.energy_db,
            rate_octaves=self._pace_octaves(sample),
        )

    def _pace_octaves(self, sample: Sample) -> float | None:
        prompt = sample.request.prompt
        speech_s = sample.scores.get("speech_s")
        if speech_s is None:
            speech_s = self._speech_s(sample.clip)
        pace = duration.pace(prompt.text, prompt.language, speech_s)
        if pace is None:
            return None
        usual: float | None = 1.0
        if sample.reference is not None and sample.reference_text:
            reference_s = self._reference_speech_s.of(sample.reference)
            usual = duration.pace(sample.reference_text, prompt.language, reference_s)
        return float(np.log2(pace / usual)) if usual else None

    @cached_property
    def _detector(self) -> vad.SpeechDetector:
        return vad.SpeechDetector(weights.find("silero-vad", self._vad_model))

    def _speech_s(self, clip: Clip) -> float:
        return vad.total_s(self._detector.spans_s(clip.at(vad.SAMPLE_RATE)))


def _prosody_of(clip: Clip) -> Prosody:
    return measure_prosody(clip.samples, clip.sample_rate)
