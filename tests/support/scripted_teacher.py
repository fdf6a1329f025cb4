"""A teacher that fails on demand, which no real one does.

What it does is written in the text of the request: ``say`` a tone, ``fail``, ``fail once``,
``hang``, ``crash``, ``refuse``, ``nothing``. It counts its calls in a folder, one file each, so
that calls of killed processes count too.
"""

import os
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lauter.datasets.errors import UsageError
from lauter.datasets.records import Request
from lauter.datasets.voices import Voice
from lauter.teacher.protocol import Capabilities, Speech

SAMPLE_RATE = 16000


@dataclass(frozen=True)
class ScriptedTeacher:
    calls: str
    batch_fails: bool = False
    name: str = "scripted"

    def capabilities(self) -> Capabilities:
        return Capabilities((Voice("tone", "en-US", "unknown", "CC0-1.0", "a sine"),))

    def fingerprint(self) -> str:
        return "scripted-1"

    def speak(self, requests: Sequence[Request]) -> Sequence[Speech | Exception]:
        if self.batch_fails and len(requests) > 1:
            raise RuntimeError("the whole batch fell over")
        return [self._one(request) for request in requests]

    def _one(self, request: Request) -> Speech | Exception:
        calls_before = len(list(Path(self.calls).glob(f"{request.request_id}.*")))
        (Path(self.calls) / f"{request.request_id}.{uuid.uuid4().hex}").touch()
        text = request.prompt.text
        if text.startswith("fail once") and calls_before:
            return tone(text)
        if text.startswith("fail"):
            return RuntimeError(f"could not say '{text}'")
        if text.startswith("refuse"):
            return UsageError("this text is not for me; send another")
        if text.startswith("hang"):
            time.sleep(3600)
        if text.startswith("crash"):
            os._exit(11)
        if text.startswith("nothing"):
            return Speech(SAMPLE_RATE, samples=np.zeros(0, np.float32))
        return tone(text)


def tone(text: str) -> Speech:
    seconds = 0.2 + 0.01 * len(text)
    times = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    wave = 0.3 * np.sin(2 * np.pi * (200 + len(text)) * times)
    return Speech(SAMPLE_RATE, samples=wave.astype(np.float32))


def count_calls(folder: Path) -> dict[str, int]:
    """How often each request id was asked for."""
    counts: dict[str, int] = {}
    for file in folder.iterdir():
        request_id = file.name.split(".")[0]
        counts[request_id] = counts.get(request_id, 0) + 1
    return counts


def unopenable_teacher() -> ScriptedTeacher:
    """A teacher whose weights are missing."""
    raise UsageError("the weights are not here; install them")


def deadly_teacher() -> ScriptedTeacher:
    """A teacher whose loading kills the process."""
    os._exit(7)
