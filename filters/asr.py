"""What was said: recognisers behind one protocol, and Whisper as the embedded one.

Whisper hears windows of 30 seconds, and for short clips nearly all of its time goes into hearing
silence. Its encoder takes shorter windows as well, at some cost: on 160 sentences (Kokoro and
Open JTalk; one core, base int8) windows of 8, 12, 16, … s were six times as fast and lost nothing
in English and Japanese, but 2 % more characters of Mandarin. The recogniser knows when it is in
doubt, so each clip is first heard in a short window, and where the mean log probability is low or
the text runs in circles, again in the whole one: as good, at 40 % of the time.

The window follows from the clip alone, so its neighbours in a batch change nothing but rounding.
"""

import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Protocol

import ctranslate2
import numpy as np
import pyarrow as pa
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from numpy.typing import NDArray

from lauter.datasets import weights
from lauter.datasets.audio import Samples
from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id
from lauter.datasets.records import described
from lauter.datasets.tags import Dialect
from lauter.filters.level import frame_powers
from lauter.filters.protocol import Sample

SAMPLE_RATE = 16_000
WHOLE_WINDOW_S = 30
WINDOW_STEP_S = 4
MIN_WINDOW_S = 8
WINDOW_MARGIN_S = 2
"""Silence that a window leaves after the clip; with less, Whisper does not know when to stop."""

MAX_PIECE_S = 28.0
CUT_WITHIN_S = 6.0
"""A longer clip is cut where it is quietest within this time before ``MAX_PIECE_S``."""

MAX_TOKENS_PER_S = 16.0
"""No one speaks so fast (Mandarin: up to 8 characters a second, of up to 2 tokens each)."""
MAX_COMPRESSION = 2.4
"""Text that compresses better repeats itself (the limit that OpenAI published with Whisper)."""

WHISPER_LANGUAGES: Mapping[str, str] = {
    Dialect.EN_US: "en",
    Dialect.EN_GB: "en",
    Dialect.MANDARIN: "zh",
    Dialect.JAPANESE: "ja",
    Dialect.KOREAN: "ko",
}
"""Dialects that Whisper base was trained on; its ``zh`` is Mandarin."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a recogniser heard, the mean log probability of its tokens, and how sure it is that the
    language is the one it was told (None: it cannot say).
    """

    text: str
    confidence: float
    language_probability: float | None = None


class Recogniser(Protocol):
    """Writes down speech of the dialects that it knows."""

    name: str

    def knows(self, dialect: str) -> bool:
        """Return whether it may judge speech of ``dialect``."""
        ...

    def fingerprint(self) -> str:
        """Return a digest of weights and settings; no model is loaded for it."""
        ...

    def transcribe(self, clips: Sequence[Samples], dialects: Sequence[str]) -> list[Transcript]:
        """Return, in order, what is said in each clip at 16 kHz; each dialect must be known."""
        ...


@dataclass(frozen=True, slots=True)
class _Hearing:
    tokens: int
    transcript: Transcript
    duration_s: float

    @property
    def runs_on(self) -> bool:
        """More was heard than anyone can say in that time."""
        return self.tokens >= _token_limit(self.duration_s)

    @property
    def circles(self) -> bool:
        """The text repeats itself."""
        data = self.transcript.text.encode()
        return len(data) / len(zlib.compress(data)) > MAX_COMPRESSION


def window_s(duration_s: float) -> int:
    """Return the length of the window in which a clip is heard first, in seconds."""
    steps = math.ceil((duration_s + WINDOW_MARGIN_S) / WINDOW_STEP_S)
    return min(max(steps * WINDOW_STEP_S, MIN_WINDOW_S), WHOLE_WINDOW_S)


def pieces(audio: Samples) -> list[Samples]:
    """Return 16 kHz audio cut into pieces that fit a window, at its quietest places."""
    cut = []
    while len(audio) > MAX_PIECE_S * SAMPLE_RATE:
        latest = int(MAX_PIECE_S * SAMPLE_RATE)
        earliest = latest - int(CUT_WITHIN_S * SAMPLE_RATE)
        frame = SAMPLE_RATE // 20
        quietest = int(np.argmin(frame_powers(audio[earliest:latest], frame)))
        end = earliest + quietest * frame + frame // 2
        cut.append(audio[:end])
        audio = audio[end:]
    return [*cut, audio]


def _token_limit(duration_s: float) -> int:
    return 10 + int(MAX_TOKENS_PER_S * duration_s)


class WhisperRecogniser:
    """Whisper on CTranslate2; greedy, without timestamps, told the language.

    ``model`` is a path or a repository in the Hugging Face cache (None: the packaged base model
    in int8); ``languages`` maps the dialects it may judge to Whisper's languages; a clip with a
    mean log probability below ``doubt`` is heard again in the whole window.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        languages: Mapping[str, str] = WHISPER_LANGUAGES,
        doubt: float = -0.2,
        batch_size: int = 8,
        device: str = "cpu",
        compute_type: str = "int8",
    ) -> None:
        self.name = "whisper-base" if model is None else Path(model).name
        self._model = model
        self._languages = dict(languages)
        self._doubt = doubt
        self._batch_size = batch_size
        self._device = device
        self._compute_type = compute_type

    def knows(self, dialect: str) -> bool:
        """Return whether ``languages`` names the dialect."""
        return dialect in self._languages

    def fingerprint(self) -> str:
        """Return the digest of weights, precision, windows and doubt."""
        return content_id(
            "lauter.whisper.v1",
            {
                "weights": weights.fingerprint("whisper-base", self._model),
                "compute_type": self._compute_type,
                "doubt": self._doubt,
                "languages": self._languages,
                "windows": [MIN_WINDOW_S, WINDOW_STEP_S, WINDOW_MARGIN_S, MAX_PIECE_S],
                "limits": [MAX_TOKENS_PER_S, MAX_COMPRESSION],
            },
        )

    def transcribe(self, clips: Sequence[Samples], dialects: Sequence[str]) -> list[Transcript]:
        """Return what is said in each clip; raises ``UsageError`` for an unknown dialect."""
        unknown = sorted({dialect for dialect in dialects if not self.knows(dialect)})
        if unknown:
            raise UsageError(
                f"this recogniser does not know {', '.join(unknown)}; "
                f"it knows {', '.join(sorted(self._languages))}"
            )
        cut = [pieces(clip) for clip in clips]
        heard = self._hear(
            [piece for parts in cut for piece in parts],
            [
                self._languages[dialect]
                for parts, dialect in zip(cut, dialects, strict=True)
                for _ in parts
            ],
        )
        following = iter(heard)
        return [_joined([next(following) for _ in parts]) for parts in cut]

    def _hear(self, clips: list[Samples], languages: list[str]) -> list[_Hearing]:
        windows = [window_s(len(clip) / SAMPLE_RATE) for clip in clips]
        heard = self._attempt(clips, languages, windows)
        doubtful = [
            position
            for position, hearing in enumerate(heard)
            if windows[position] < WHOLE_WINDOW_S
            and (hearing.transcript.confidence < self._doubt or hearing.runs_on or hearing.circles)
        ]
        self._again(heard, doubtful, clips, languages)
        # Whoever still runs on is in a loop that it cannot leave: forbid what loops are made of.
        endless = [position for position, hearing in enumerate(heard) if hearing.runs_on]
        self._again(heard, endless, clips, languages, no_repeat_ngram_size=3)
        return heard

    def _again(
        self,
        heard: list[_Hearing],
        positions: list[int],
        clips: list[Samples],
        languages: list[str],
        no_repeat_ngram_size: int = 0,
    ) -> None:
        """Hear the clips at ``positions`` in the whole window, and replace what was heard."""
        again = self._attempt(
            [clips[position] for position in positions],
            [languages[position] for position in positions],
            [WHOLE_WINDOW_S] * len(positions),
            no_repeat_ngram_size,
        )
        for position, hearing in zip(positions, again, strict=True):
            heard[position] = hearing

    def _attempt(
        self,
        clips: list[Samples],
        languages: list[str],
        windows: list[int],
        no_repeat_ngram_size: int = 0,
    ) -> list[_Hearing]:
        """Hear each clip once in its window; those of one window go together, short ones first."""
        heard: dict[int, _Hearing] = {}
        order = sorted(range(len(clips)), key=lambda position: len(clips[position]))
        for window in sorted(set(windows)):
            of_window = [position for position in order if windows[position] == window]
            for start in range(0, len(of_window), self._batch_size):
                batch = of_window[start : start + self._batch_size]
                features = np.stack([self._features(clips[p], window) for p in batch])
                model = self._whisper.model
                encoded = model.encode(ctranslate2.StorageView.from_array(features))
                detected = [dict(found) for found in model.detect_language(encoded)]
                answers = model.generate(
                    encoded,
                    [self._prompt(languages[p]) for p in batch],
                    beam_size=1,
                    return_scores=True,
                    # One limit for the window, so that no neighbour decides where a text ends.
                    max_length=min(448, 4 + _token_limit(window)),
                    no_repeat_ngram_size=no_repeat_ngram_size,
                )
                for p, answer, probabilities in zip(batch, answers, detected, strict=True):
                    tokens = answer.sequences_ids[0]
                    transcript = Transcript(
                        self._text(tokens),
                        float(answer.scores[0]),
                        float(probabilities[f"<|{languages[p]}|>"]),
                    )
                    heard[p] = _Hearing(len(tokens), transcript, len(clips[p]) / SAMPLE_RATE)
        return [heard[position] for position in range(len(clips))]

    @cached_property
    def _whisper(self) -> WhisperModel:
        folder = weights.find("whisper-base", self._model)
        return WhisperModel(
            str(folder), device=self._device, compute_type=self._compute_type, cpu_threads=1
        )

    def _features(self, clip: Samples, window: int) -> NDArray[np.float32]:
        padded = np.pad(clip, (0, window * SAMPLE_RATE - len(clip)))
        features: NDArray[np.float32] = self._whisper.feature_extractor(padded, padding=0)
        return np.ascontiguousarray(features[:, : window * 100], dtype=np.float32)

    def _prompt(self, language: str) -> list[int]:
        tokenizer = Tokenizer(self._whisper.hf_tokenizer, True, "transcribe", language)
        return [*tokenizer.sot_sequence, tokenizer.no_timestamps]

    def _text(self, tokens: list[int]) -> str:
        text: str = self._whisper.hf_tokenizer.decode(tokens, skip_special_tokens=True)
        return text.strip()


def _joined(heard: Sequence[_Hearing]) -> Transcript:
    """Return the transcripts of a clip's pieces as one; figures count by tokens."""
    if len(heard) == 1:
        return heard[0].transcript
    counts = [max(1, hearing.tokens) for hearing in heard]
    transcripts = [hearing.transcript for hearing in heard]
    probabilities = [transcript.language_probability or 0.0 for transcript in transcripts]
    return Transcript(
        " ".join(transcript.text for transcript in transcripts),
        float(np.average([transcript.confidence for transcript in transcripts], weights=counts)),
        float(np.average(probabilities, weights=counts)),
    )


class AsrScorer:
    """What a recogniser hears; a dialect that it does not know is not applicable, never zero."""

    name = "asr"
    fields: ClassVar[Sequence[pa.Field]] = (
        described("transcript", pa.string(), "What the recogniser heard"),
        described(
            "asr_confidence", pa.float64(), "Mean log probability of the transcript's tokens"
        ),
        described(
            "asr_language_probability", pa.float64(), "How sure it is of the prompt's language"
        ),
    )

    def __init__(self, recogniser: Recogniser | None = None) -> None:
        self._recogniser = recogniser or WhisperRecogniser()

    @property
    def recogniser(self) -> str:
        """The recogniser's name."""
        return self._recogniser.name

    def fingerprint(self) -> str:
        """Return the recogniser's."""
        return self._recogniser.fingerprint()

    def score(self, samples: Sequence[Sample]) -> Sequence[Mapping[str, Any] | Exception]:
        """Transcribe the clips whose dialect the recogniser knows."""
        known = [
            position
            for position, sample in enumerate(samples)
            if self._recogniser.knows(sample.request.prompt.dialect)
        ]
        transcripts = self._recogniser.transcribe(
            [samples[position].clip.at(SAMPLE_RATE) for position in known],
            [samples[position].request.prompt.dialect for position in known],
        )
        figures: list[dict[str, Any]] = [{} for _ in samples]
        for position, transcript in zip(known, transcripts, strict=True):
            figures[position] = {
                "transcript": transcript.text,
                "asr_confidence": transcript.confidence,
                "asr_language_probability": transcript.language_probability,
            }
        return figures
