"""A teacher and a scorer that do nothing but take a known time: known by request, for every run.

With them a machine of two cores has as many workers as one likes, and what is measured is how
stages wait for each other.
"""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lauter.datasets.identity import digest
from lauter.datasets.records import Request, described
from lauter.filters.protocol import Sample
from lauter.pipelines.stage import BatchFunction, Resources
from lauter.teacher.canned import CannedTeacher
from lauter.teacher.protocol import Speech

SPREAD = 0.6


def seconds_of(request: Request, stage: str, mean_s: float) -> float:
    """Return how long a stage takes for a request: gamma distributed, drawn by its id."""
    seed = int(digest(f"lauter.sleeping.{stage}.v1", request.request_id)[:16], 16)
    shape = 1 / SPREAD**2
    return float(np.random.default_rng(seed).gamma(shape, mean_s / shape))


@dataclass(frozen=True)
class LeaveMark:
    """A stage that does nothing but leave its process's number in ``marks`` when it is opened."""

    marks: str
    resources: Resources = field(default_factory=Resources)
    name: str = "mark"
    reads: tuple[str, ...] = ()
    adds: pa.Schema = field(default_factory=lambda: pa.schema([]))

    def open(self) -> BatchFunction:
        """Leave the mark."""
        (Path(self.marks) / str(os.getpid())).touch()
        return lambda batch: batch


class SleepingTeacher(CannedTeacher):
    """Takes ``mean_s`` seconds for a request, and leaves the number of its process in ``marks``."""

    def __init__(self, mean_s: float, marks: str | None = None) -> None:
        super().__init__()
        self._mean_s = mean_s
        if marks is not None:
            (Path(marks) / str(os.getpid())).touch()

    def speak(self, requests: Sequence[Request]) -> Sequence[Speech | Exception]:
        """Return the recording for each request, after the time that they take."""
        time.sleep(sum(seconds_of(request, "speak", self._mean_s) for request in requests))
        return super().speak(requests)


class SleepingScorer:
    """Takes ``mean_s`` seconds for an utterance; its figures pass every gate."""

    name = "sleeping"
    fields = (described("energy_db", pa.float64(), "A constant", unit="dB"),)

    def __init__(self, mean_s: float) -> None:
        self._mean_s = mean_s

    def fingerprint(self) -> str:
        """Return its name: nothing decides its figures."""
        return "sleeping-1"

    def score(self, samples: Sequence[Sample]) -> Sequence[Mapping[str, Any] | Exception]:
        """Return the constant for each, after the time that they take."""
        time.sleep(sum(seconds_of(one.request, "score", self._mean_s) for one in samples))
        return [{"energy_db": -25.0}] * len(samples)
