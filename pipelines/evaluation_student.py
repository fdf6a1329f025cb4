"""The student as a system that is evaluated, and the systems that a folder of one makes."""

import platform
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import torch

from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id, digest
from lauter.datasets.weights import sha256_of
from lauter.pipelines.evaluation_items import Item
from lauter.pipelines.evaluation_systems import STUDENT, Resynthesis, Spoken, System
from lauter.student.codec.codec import open_codec
from lauter.student.generation import Sampling
from lauter.student.speak import SpeechRequest, Student

REFUSED: Final = "refused"
"""Failure of a text that the student cannot be asked, such as one longer than its context."""


class StudentSpeaks:
    """A student that says the texts: a voice it knows by name, any other from its reference."""

    name = STUDENT

    def __init__(self, student: Student, seed: int = 0) -> None:
        self._student = student
        self._seed = seed
        self._has_answered = False

    def speak(self, items: Sequence[Item]) -> list[Spoken]:
        """Return what it makes of each text.

        One that it refuses is a failure of its own. Raises ``UsageError`` where it refuses all
        from the first: then it is not the texts that are wrong.
        """
        requests = [self._request(item) for item in items]
        try:
            answers = self._student.speak(requests)
        except UsageError:
            if len(items) == 1 and not self._has_answered:
                raise
            if len(items) == 1:
                return [Spoken(None, self._student.codec.sample_rate, REFUSED, None)]
            return self._one_by_one(items)
        self._has_answered = True
        return [
            Spoken(answer.samples, answer.sample_rate, answer.failure, answer.seconds)
            for answer in answers
        ]

    def _one_by_one(self, items: Sequence[Item]) -> list[Spoken]:
        answers: list[Spoken | UsageError] = []
        for item in items:
            try:
                answers += self.speak([item])
            except UsageError as refusal:
                answers.append(refusal)
        refusals = [answer for answer in answers if isinstance(answer, UsageError)]
        if len(refusals) == len(items):
            raise refusals[0]
        rate = self._student.codec.sample_rate
        return [
            Spoken(None, rate, REFUSED, None) if isinstance(answer, UsageError) else answer
            for answer in answers
        ]

    def _request(self, item: Item) -> SpeechRequest:
        prompt = item.request.prompt
        known = self._student.speakers
        # Each text draws from a stream of its own, whichever others are evaluated.
        drawn = digest("lauter.evaluation.seed.v1", f"{self._seed} {item.request.request_id}")
        seed = int(drawn[:15], 16)
        if prompt.speaker in known:
            return SpeechRequest(prompt, seed)
        if known:
            prompt = replace(prompt, speaker="")
        # To go on from the recording of the text itself would be to be told the answer.
        return SpeechRequest(
            prompt,
            seed,
            item.reference or item.recording,
            item.reference_text,
            timbre_alone=item.reference is None or not item.reference_text,
        )


def open_systems(
    student: str | None, codec: str | None, *, device: str, seed: int, resynthesise: bool,
    batch_size: int, sampling: Sampling | None = None,
) -> tuple[list[System], dict[str, Any]]:  # fmt: skip
    """Return resynthesis, where that is wanted, and the student, where there is one.

    With them come the fingerprints of both. Raises ``UsageError`` for a folder that holds no
    student, or one that another codec was made for.
    """
    systems: list[System] = []
    fingerprints: dict[str, Any] = {}
    opened = None
    if student is not None:
        opened = Student.open(
            student, codec=codec, device=device, sampling=sampling, batch_size=batch_size
        )
        fingerprints["student"] = student_fingerprint(student)
    its_codec = opened.codec if opened else open_codec(codec).to(device)
    fingerprints["codec"] = its_codec.fingerprint
    if resynthesise:
        systems.append(Resynthesis(its_codec, seed))
    if opened:
        systems.append(StudentSpeaks(opened, seed))
    return systems, fingerprints


def student_fingerprint(folder: str | Path) -> str:
    """Return a digest of all files that make up a student."""
    files = sorted(Path(folder).glob("*.safetensors")) + sorted(Path(folder).glob("*.json"))
    return content_id("lauter.student.v1", {file.name: sha256_of(file) for file in files})


def device_name(device: str) -> str:
    """Return the name of a device as its maker gave it, with the threads used of a CPU.

    Raises ``UsageError`` for a device that is not here.
    """
    try:
        where = torch.device(device)
        if where.type == "cuda":
            return torch.cuda.get_device_name(where)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).split("\n", 1)[0]
        raise UsageError(f"evaluate.device={device} cannot be used: {reason}; set cpu") from error
    if where.type != "cpu":
        return device
    threads = torch.get_num_threads()
    return f"{_cpu_name()}, {threads} thread{'' if threads == 1 else 's'}"


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not Linux
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()
