"""Reference recordings of voices: what is wrong with one, and which stretch of it shows it best.

The models (voice detector, speaker encoder, recogniser) are loaded when they are first needed. The
bounds are those that the measures give their reasons for: ``filters/background.py`` for music,
``filters/one_voice.py`` for a second speaker.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
from rapidfuzz import fuzz

from lauter.datasets import weights
from lauter.datasets.audio import Samples, decode_audio, open_audio, resample
from lauter.datasets.errors import UsageError
from lauter.datasets.records import dialect_language
from lauter.filters.asr import WhisperRecogniser
from lauter.filters.background import MUSIC_FROM_DB, pause_tonality_db, signal_to_noise_db
from lauter.filters.error_rate import character_error_rates
from lauter.filters.level import clipped_ratio
from lauter.filters.one_voice import ONE_VOICE_FROM, voice_consistency
from lauter.filters.prosody import Prosody, measure_prosody
from lauter.filters.reference_choice import (
    CLIPPED_AT_MOST,
    LEAST_S,
    Measures,
    Stretch,
    fitness,
    stretches,
)
from lauter.filters.speaker import Embedding, SpeakerEncoder, mean_voice
from lauter.filters.vad import SpeechDetector, total_s

RATE: Final = 16_000
"""What is measured is measured at this rate; recordings with less lack what it needs."""
CHANNELS_APART_DB: Final = -30.0
"""Channels whose difference is louder than this, beside their sum, are not one."""
LOW_BAND_DB: Final = -45.0
"""Speech whose power above 4 kHz is less than this, beside all of it, came over a telephone."""
OTHER_WORDS_FROM: Final = 0.65
"""A CER above which a recording says something else than its text. Between two different sentences
of the built-in texts it is above this in 96 of 100 pairs in English, in 99 in Mandarin and
Japanese."""
_HEARD_MOST: Final = 6
"""So many of the stretches that are best without their words are given to the recogniser."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The best stretch of a recording: what is said in it, its worth, and what it was judged by."""

    stretch: Stretch
    text: str
    fitness: float
    measures: Measures


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What one hearing of a recording tells: its faults, a sentence each, and its voice.

    The voice is that of all of the recording, None where it has none that could be heard.
    """

    faults: list[str]
    voice: Embedding | None = None


class ReferenceListener:
    """Listens to reference recordings."""

    def heard(self, recording: Path) -> Heard:
        """Return what is wrong with a recording, and whose voice it is."""
        try:
            samples, rate, apart = read_recording(recording)
        except UsageError as error:
            return Heard([f"{recording}: {error}"])
        name = f"the recording {recording}"
        if rate < RATE:
            return Heard(
                [
                    f"{name} has {rate} samples a second, which lacks half of what tells voices "
                    f"apart; give one with {RATE} or more"
                ]
            )
        audio = resample(samples, rate, RATE)
        spans = self._detector.spans_s(audio)
        if not spans:
            return Heard([f"{name} has no speech in it; give one of somebody who speaks"])
        found = []
        if apart is not None and apart > CHANNELS_APART_DB:
            found.append(
                f"{name} has channels that differ ({apart:.0f} dB), which may be of two voices; "
                "give the one that the voice is in"
            )
        if (speech_s := total_s(spans)) < LEAST_S:
            found.append(
                f"{name} has {speech_s:.1f} s of speech, and a voice shows itself in {LEAST_S:g} s "
                "or more; give a longer one"
            )
        if (clipped := _clipped(samples, rate, spans)) > CLIPPED_AT_MOST:
            found.append(
                f"{name} is clipped ({clipped:.1%} of its samples are cut flat); record it again "
                "with less gain"
            )
        if (high := _above_4_khz_db(audio)) < LOW_BAND_DB:
            found.append(
                f"{name} has nothing above 4 kHz ({high:.0f} dB), as over a telephone; give one "
                f"that was made with {RATE} samples a second"
            )
        tonality = pause_tonality_db(audio, spans)
        if tonality is not None and tonality > MUSIC_FROM_DB:
            found.append(
                f"{name} has music, a hum or other voices behind the voice ({tonality:.0f} dB "
                "of lines in its pauses); give one without"
            )
        (partials,) = self._encoder.embed_partials([audio])
        consistency = voice_consistency(partials)
        if consistency is not None and consistency < ONE_VOICE_FROM:
            found.append(
                f"{name} has more than one voice in it, or parts that were recorded otherwise (the "
                f"least alike have a cosine of {consistency:.2f}); give one of a single speaker"
            )
        return Heard(found, mean_voice(partials))

    def embed(self, audio: Samples) -> Embedding:
        """Return the voice in 16 kHz ``audio`` as a unit vector."""
        return self._encoder.embed([audio])[0]

    def choose(self, samples: Samples, rate: int, text: str | None, dialect: str) -> Chosen:
        """Return the best stretch of a recording of ``dialect``, in which ``text`` is said.

        Where the text is not known, it is what the recogniser hears. Raises ``UsageError`` where no
        stretch of 3 to 10 s lies between pauses, and where nothing says what is said in it.
        """
        audio = resample(samples, rate, RATE)
        spans = self._detector.spans_s(audio)
        found = stretches(spans, len(audio) / RATE)
        if not found:
            raise UsageError(
                "no stretch of 3 to 10 s lies between two pauses of the recording; give one in "
                "which whole sentences are said"
            )
        whole = measure_prosody(audio, RATE)
        rated = [
            (stretch, self._measured(samples, rate, audio, spans, stretch, whole))
            for stretch in found
        ]
        rated.sort(key=lambda one: -fitness(one[1]))
        chosen = self._transcribed(audio, rated[:_HEARD_MOST], text, dialect)
        return max(chosen, key=lambda one: one.fitness)

    def _measured(
        self,
        samples: Samples,
        rate: int,
        audio: Samples,
        spans: list[tuple[float, float]],
        stretch: Stretch,
        whole: Prosody,
    ) -> Measures:
        piece = _piece(audio, RATE, stretch)
        said = measure_prosody(piece, RATE)
        pitch_st = range_octaves = None
        if said.f0_median_hz and whole.f0_median_hz and said.f0_range_st and whole.f0_range_st:
            pitch_st = 12.0 * float(np.log2(said.f0_median_hz / whole.f0_median_hz))
            range_octaves = float(np.log2(said.f0_range_st / whole.f0_range_st))
        return Measures(
            stretch.duration_s,
            _clipped(samples, rate, _inside(spans, stretch)),
            _noise_db(audio, spans, stretch),
            pitch_st=pitch_st,
            range_octaves=range_octaves,
        )

    def _transcribed(
        self,
        audio: Samples,
        rated: list[tuple[Stretch, Measures]],
        text: str | None,
        dialect: str,
    ) -> list[Chosen]:
        """Return the stretches with what is said in them, and their worth now that it is known."""
        if not self._recogniser.knows(dialect):
            if text is None or len(rated) != 1:
                raise UsageError(
                    f"no recogniser here knows {dialect}, so it is not known where in the "
                    "recording what is said; cut one sentence of 3 to 10 s out and give its text"
                )
            ((stretch, measures),) = rated
            return [Chosen(stretch, text, fitness(measures), measures)]
        pieces = [_piece(audio, RATE, stretch) for stretch, _ in rated]
        heard = self._recogniser.transcribe(pieces, [dialect] * len(pieces))
        chosen = []
        for (stretch, measures), transcript in zip(rated, heard, strict=True):
            said, cer = transcript.text.strip(), None
            if text is not None and said:
                part = matching_part(text, said)
                cer = float(character_error_rates([part], [said], dialect_language(dialect))[0])
                said = part
            known = Measures(
                measures.duration_s, measures.clipped_ratio, measures.noise_db,
                1.0 if not said else cer, measures.pitch_st, measures.range_octaves,
            )  # fmt: skip
            chosen.append(Chosen(stretch, said, fitness(known), known))
        if not any(one.text for one in chosen):
            raise UsageError("the recogniser hears no words in the recording; give its text")
        rates = [one.measures.cer for one in chosen if one.measures.cer is not None]
        if text is not None and min(rates) > OTHER_WORDS_FROM:
            words = max((one.text.strip() for one in heard), key=len)
            raise UsageError(
                f"the recogniser hears other words in the recording than its text: '{words[:80]}'; "
                "correct the text, or leave it out to take what is heard"
            )
        return [one for one in chosen if one.text]

    @cached_property
    def _detector(self) -> SpeechDetector:
        return SpeechDetector(weights.find("silero-vad"))

    @cached_property
    def _encoder(self) -> SpeakerEncoder:
        return SpeakerEncoder(weights.find("speaker-encoder"))

    @cached_property
    def _recogniser(self) -> WhisperRecogniser:
        return WhisperRecogniser()


def read_recording(recording: Path) -> tuple[Samples, int, float | None]:
    """Return a recording as one channel, its rate in Hz, and how far its channels are apart.

    That is how loud the difference of the first two channels is beside their sum, in dB; None for
    a single channel. Raises ``UsageError`` for what is no readable audio.
    """
    try:
        data = recording.read_bytes()
    except OSError as error:
        raise UsageError(f"it cannot be read: {error.strerror}") from error
    samples, rate = decode_audio(data)
    with open_audio(data) as file:
        if file.channels == 1:
            return samples, rate, None
    channels, _ = soundfile.read(recording, dtype="float64", always_2d=True)
    left, right = channels[:, 0], channels[:, 1]
    both = float(np.mean((left + right) ** 2)) + 1e-12
    return samples, rate, float(10 * np.log10((np.mean((left - right) ** 2) + 1e-12) / both))


def matching_part(text: str, heard: str) -> str:
    """Return the part of ``text`` that ``heard`` is most like, in whole words."""
    found = fuzz.partial_ratio_alignment(heard.casefold(), text.casefold())
    if found is None or len(heard) >= len(text) or len(text.casefold()) != len(text):
        return text
    start, end = found.dest_start, found.dest_end
    while start > 0 and _in_a_word(text, start):
        start -= 1
    while end < len(text) and (_in_a_word(text, end) or _is_sign(text[end])):
        end += 1
    return text[start:end].strip()


def _is_sign(one: str) -> bool:
    return not (one.isalnum() or one.isspace())


def _in_a_word(text: str, place: int) -> bool:
    """Whether a cut before ``place`` would part a word; writing without spaces is cut anywhere."""
    before, after = text[place - 1], text[place]
    return all((one.isalnum() and ord(one) < 0x2E80) or one in "'’" for one in (before, after))


def _piece(samples: Samples, rate: int, stretch: Stretch) -> Samples:
    return samples[round(stretch.start_s * rate) : round(stretch.end_s * rate)]


def _inside(spans: list[tuple[float, float]], stretch: Stretch) -> list[tuple[float, float]]:
    return [span for span in spans if span[0] >= stretch.start_s and span[1] <= stretch.end_s]


def _clipped(samples: Samples, rate: int, spans: list[tuple[float, float]]) -> float:
    """Return the share of speech that is cut flat, each span by its own top.

    A span that was clipped and turned down is not hidden by a louder one beside it.
    """
    pieces = [_piece(samples, rate, Stretch(*span)) for span in spans]
    flat = sum(clipped_ratio(piece) * len(piece) for piece in pieces)
    return flat / max(1, sum(len(piece) for piece in pieces))


def _noise_db(audio: Samples, spans: list[tuple[float, float]], stretch: Stretch) -> float | None:
    """Return the signal-to-noise ratio of a stretch, by the whole pauses that it ends in."""
    inside = _inside(spans, stretch)
    before = max((end for _, end in spans if end <= inside[0][0]), default=0.0)
    after = min((start for start, _ in spans if start >= inside[-1][1]), default=len(audio) / RATE)
    around = _piece(audio, RATE, Stretch(before, after))
    return signal_to_noise_db(around, [(a - before, b - before) for a, b in inside])


def _above_4_khz_db(audio: Samples) -> float:
    """Return the power above 4 kHz beside all power, in dB."""
    power = np.abs(np.fft.rfft(audio.astype(np.float64))) ** 2
    high = power[round(4100 / (RATE / 2) * len(power)) :].sum()
    return float(10.0 * np.log10((high + 1e-12) / (power.sum() + 1e-12)))
