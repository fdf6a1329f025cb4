"""Where speech is: Silero's voice activity detector, 32 ms at a time.

Speech begins where the detector is more than half sure and ends where it stays below
``SILENCE_BELOW`` for a tenth of a second; shorter dips are the closures of plosives. The edges
are therefore known to about two windows (64 ms).
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lauter.datasets import weights
from lauter.datasets.audio import Samples
from lauter.datasets.identity import content_id
from lauter.datasets.records import described
from lauter.filters.onnx import open_session
from lauter.filters.protocol import Sample

SAMPLE_RATE = 16_000
WINDOW = 512
"""Samples in which the detector decides once."""
_CONTEXT = 64
"""Samples of the window before, which the detector hears again."""
WINDOW_S = WINDOW / SAMPLE_RATE

SPEECH_FROM = 0.5
SILENCE_BELOW = 0.35
MIN_SILENCE_WINDOWS = 3
MIN_SPEECH_WINDOWS = 3


def speech_spans(probabilities: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Return the spans of speech as (first window, window after the last), in order.

    ``probabilities`` is ``[windows]``. A span shorter than ``MIN_SPEECH_WINDOWS`` is a click and
    left out.
    """
    spans: list[tuple[int, int]] = []
    start = None
    quiet = 0
    for window, probability in enumerate(probabilities):
        if start is None:
            if probability >= SPEECH_FROM:
                start, quiet = window, 0
        elif probability >= SILENCE_BELOW:
            quiet = 0
        else:
            quiet += 1
            if quiet == MIN_SILENCE_WINDOWS:
                spans.append((start, window + 1 - quiet))
                start = None
    if start is not None:
        spans.append((start, len(probabilities) - quiet))
    return [(first, end) for first, end in spans if end - first >= MIN_SPEECH_WINDOWS]


def fingerprint(model: str | Path | None = None) -> str:
    """Return the digest of the detector at ``model`` and of how its answers are read."""
    settings = [SPEECH_FROM, SILENCE_BELOW, MIN_SILENCE_WINDOWS, MIN_SPEECH_WINDOWS]
    return content_id(
        "lauter.vad.v1",
        {"weights": weights.fingerprint("silero-vad", model), "settings": settings},
    )


class SpeechDetector:
    """Silero's network, 1.2 MB."""

    def __init__(self, model: Path) -> None:
        self._session = open_session(model)

    def probabilities(self, audio: Samples) -> NDArray[np.float32]:
        """Return how sure the detector is of speech in each window of 16 kHz ``audio``."""
        windows = np.pad(audio, (0, -len(audio) % WINDOW)).reshape(-1, WINDOW)
        context = np.zeros((len(windows), _CONTEXT), np.float32)
        context[1:] = windows[:-1, -_CONTEXT:]
        state = np.zeros((1, 1, 128), np.float32)
        heard, _, _ = self._session.run(
            None,
            {"input": np.concatenate([context, windows], axis=1), "h": state, "c": state},
        )
        probabilities: NDArray[np.float32] = heard.reshape(-1)
        return probabilities

    def spans_s(self, audio: Samples) -> list[tuple[float, float]]:
        """Return where 16 kHz ``audio`` is speech: begin and end of each span, in seconds."""
        duration_s = len(audio) / SAMPLE_RATE
        return [
            (first * WINDOW_S, min(end * WINDOW_S, duration_s))
            for first, end in speech_spans(self.probabilities(audio))
        ]


def total_s(spans: Sequence[tuple[float, float]]) -> float:
    """Return the summed length of ``spans``, in seconds."""
    return sum(end - start for start, end in spans)


class VadScorer:
    """Share and seconds of speech, silence at both ends, and the longest pause between."""

    name = "vad"
    fields: ClassVar[Sequence[pa.Field]] = (
        described("speech_ratio", pa.float64(), "Share of the audio that is speech"),
        described("speech_s", pa.float64(), "Time in which someone speaks", unit="s"),
        described("leading_silence_s", pa.float64(), "Silence before the first speech", unit="s"),
        described("trailing_silence_s", pa.float64(), "Silence after the last speech", unit="s"),
        described("longest_pause_s", pa.float64(), "Longest silence within", unit="s"),
    )

    def __init__(self, model: str | Path | None = None) -> None:
        """``model`` is a path to Silero's ONNX file; None: the packaged one."""
        self._model = model

    def fingerprint(self) -> str:
        """Return the digest of the weights and of how their answers are read."""
        return fingerprint(self._model)

    def score(self, samples: Sequence[Sample]) -> Sequence[Mapping[str, Any] | Exception]:
        """Measure where there is speech; audio without any is silence on both sides."""
        return [self._figures(sample.clip.at(SAMPLE_RATE)) for sample in samples]

    @cached_property
    def _detector(self) -> SpeechDetector:
        return SpeechDetector(weights.find("silero-vad", self._model))

    def _figures(self, audio: Samples) -> dict[str, float]:
        duration_s = len(audio) / SAMPLE_RATE
        spans = self._detector.spans_s(audio)
        if not spans:
            return {
                "speech_ratio": 0.0,
                "speech_s": 0.0,
                "leading_silence_s": duration_s,
                "trailing_silence_s": duration_s,
                "longest_pause_s": 0.0,
            }
        speech_s = total_s(spans)
        return {
            "speech_ratio": speech_s / duration_s,
            "speech_s": speech_s,
            "leading_silence_s": spans[0][0],
            "trailing_silence_s": duration_s - spans[-1][1],
            "longest_pause_s": max(
                (after - before for (_, before), (after, _) in pairwise(spans)), default=0.0
            ),
        }
