"""A teacher that does not speak: it gives one recording to every request, and breaks on command.

For benchmarks, whose figures then hold the pipeline's cost alone, and for tests of what a
pipeline does when a teacher fails, hangs or dies. What it gives is not what was asked for: a
corpus made with it is not for training, and its voice says so.
"""

import os
import re
import signal
import time
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from lauter.datasets.audio import decode_audio, encode_flac
from lauter.datasets.errors import LauterError
from lauter.datasets.identity import content_id, digest
from lauter.datasets.records import Request
from lauter.datasets.tags import Dialect
from lauter.datasets.voices import Voice
from lauter.teacher.edited import edited_capabilities
from lauter.teacher.protocol import Capabilities, Speech

_SAMPLE_RATE = 24_000


class CannedError(LauterError):
    """The failure that was ordered."""


class CannedTeacher:
    """Gives ``flac`` (bytes), or the file at ``path``, or ``seconds`` of a hum, to every request.

    Each ``*_on`` is a regular expression looked for in the text: ``fail_on`` returns an error for
    that request, ``raise_on`` raises one for its whole batch, ``hang_on`` sleeps for ``hang_s``
    first, ``crash_on`` kills this process. ``recovers_after`` is how often a text fails or raises
    before it is spoken; None: always.
    """

    name = "canned"

    def __init__(
        self,
        flac: bytes | None = None,
        *,
        path: str | None = None,
        seconds: float = 3.0,
        fail_on: str = "",
        raise_on: str = "",
        hang_on: str = "",
        crash_on: str = "",
        hang_s: float = 3600.0,
        recovers_after: int | None = None,
    ) -> None:
        self._flac = flac or (Path(path).read_bytes() if path else _hum(seconds))
        self._fail_on = fail_on
        self._raise_on = raise_on
        self._hang_on = hang_on
        self._crash_on = crash_on
        self._hang_s = hang_s
        self._recovers_after = recovers_after
        self._failures: Counter[str] = Counter()

    def capabilities(self) -> Capabilities:
        """Say that anything may be asked, of one speaker in every dialect."""
        consent = "no voice: one recording given to every request, for benchmarks and tests"
        return edited_capabilities(
            [
                Voice(f"canned_{dialect.value}", dialect.value, "unknown", "CC0-1.0", consent)
                for dialect in Dialect
            ]
        )

    def fingerprint(self) -> str:
        """Return a digest of the recording."""
        recording = digest("lauter.canned.v1", self._flac)
        return content_id("lauter.teacher.v1", {"teacher": self.name, "recording": recording})

    def speak(self, requests: Sequence[Request]) -> Sequence[Speech | Exception]:
        """Return the recording once for each request, or what was ordered instead."""
        return [self._answer(request.prompt.text) for request in requests]

    def _answer(self, text: str) -> Speech | Exception:
        if _found(self._crash_on, text):
            os.kill(os.getpid(), signal.SIGKILL)
        if _found(self._hang_on, text):
            time.sleep(self._hang_s)
        if _found(self._raise_on, text) and self._fails(text):
            raise CannedError(f"the canned teacher was told to raise on '{text}'")
        if _found(self._fail_on, text) and self._fails(text):
            return CannedError(f"the canned teacher was told to fail on '{text}'")
        return self._speech

    def _fails(self, text: str) -> bool:
        self._failures[text] += 1
        return self._recovers_after is None or self._failures[text] <= self._recovers_after

    @cached_property
    def _speech(self) -> Speech:
        samples, sample_rate = decode_audio(self._flac)
        return Speech(sample_rate, flac=self._flac, duration_s=len(samples) / sample_rate)


def _found(pattern: str, text: str) -> bool:
    return bool(pattern) and re.search(pattern, text) is not None


def _hum(seconds: float) -> bytes:
    """Return a tone of 120 Hz and its overtones, about as large as speech when compressed."""
    times = np.arange(round(seconds * _SAMPLE_RATE)) / _SAMPLE_RATE
    tones = sum(np.sin(2 * np.pi * 120 * k * times) / k for k in range(1, 20))
    noise = np.random.default_rng(0).standard_normal(len(times)) * 0.01
    return encode_flac((0.1 * tones + noise).astype(np.float32), _SAMPLE_RATE)
