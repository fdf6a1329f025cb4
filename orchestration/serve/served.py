"""What a running server holds: a student, the engine it speaks in, limits and counts."""

import time
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from lauter.orchestration.serve.metrics import Metrics
from lauter.orchestration.serve.spelling import as_text
from lauter.student.facts import SPEAKERS
from lauter.student.serving.decoding import Decoding
from lauter.student.serving.engine import BusyError, Engine
from lauter.student.speak import Student


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may take.

    ``body_bytes`` of HTTP body, ``characters`` of text to say, ``seconds`` until its answer is
    whole, ``choices`` of one prompt or prompts at once, ``top`` log-probabilities beside each id
    and ``named`` in all, ``decoded`` streams of codes that may wait for the decoder.
    ``retry_after_s`` is what those who are refused are told to wait.
    """

    body_bytes: int = 1 << 20
    characters: int = 4096
    seconds: float = 300.0
    choices: int = 16
    top: int = 64
    named: int = 200_000
    decoded: int = 32
    retry_after_s: int = 1


@dataclass(frozen=True)
class Served:
    """A model that is served under ``name``, and what it is served with.

    ``checkpoint`` is a digest of its weights, ``stream_s`` the least time between two pieces of a
    stream.
    """

    name: str
    checkpoint: str
    student: Student
    engine: Engine
    decoding: Decoding
    limits: Limits = field(default_factory=Limits)
    stream_s: float = 0.02
    metrics: Metrics = field(default_factory=Metrics)
    since: int = field(default_factory=lambda: int(time.time()))
    _spelt: dict[int, str] = field(default_factory=dict)

    def spelling(self, one: int) -> str:
        """Return the text of an id by itself."""
        if one not in self._spelt:
            vocabulary = self.student.model.config.vocabulary
            self._spelt[one] = as_text(self.student.tokenizer, vocabulary, one)
        return self._spelt[one]

    def check_decoder(self) -> None:
        """Raise ``BusyError`` where too much waits for the decoder already."""
        if self.decoding.waiting >= self.limits.decoded:
            raise BusyError(
                f"{self.decoding.waiting} answers wait for the decoder already; ask again later"
            )

    def card(self) -> dict[str, Any]:
        """Return what `/v1/models` says of the model."""
        facts, config = self.student.facts, self.student.model.config
        return {
            "id": self.name,
            "object": "model",
            "created": self.since,
            "owned_by": "lauter",
            "checkpoint": self.checkpoint,
            "version": version("lauter"),
            "max_model_len": config.context,
            "text_size": config.text_size,
            "vocabulary_size": config.vocabulary_size,
            "tokenizer_fingerprint": self.student.tokenizer.fingerprint(),
            "codec_fingerprint": facts.get("codec_fingerprint"),
            "speakers": list(facts.get(SPEAKERS, ())),
            "voices": self.student.speakers,
        }
