"""Servers that do not repeat themselves are found out by trying."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from lauter.datasets.errors import LauterError
from lauter.teacher.step_audio.completion import (
    Completed,
    CompletionError,
    CompletionRequest,
    Identity,
)
from lauter.teacher.step_audio.repeatability import repeatability

REQUEST = CompletionRequest("r", np.arange(5), 3, 20, (3,))


@dataclass
class Moody:
    """A stand-in for a model whose rounding depends on its batch: no real one does so on demand."""

    says: Callable[[int, int], list[int] | None]
    calls: int = 0
    sampling: dict[str, float] | None = None

    def identity(self) -> Identity:
        return Identity("moody", "", "")

    def complete(self, requests: Sequence[CompletionRequest]) -> list[Completed | CompletionError]:
        self.calls += 1
        ids = self.says(self.calls, len(requests))
        if ids is None:
            return [CompletionError("it is asleep") for _ in requests]
        return [Completed(np.array(ids), True, None, 0.0, ()) for _ in requests]

    def close(self) -> None:
        pass


def test_a_server_that_repeats_itself_is_believed() -> None:
    said = repeatability(Moody(lambda call, crowd: [7, 8, 9]), REQUEST)
    assert said == "gave the same 3 ids three times, alone and among 7 others"


def test_a_server_that_changes_with_its_crowd_is_told_of_with_the_place() -> None:
    said = repeatability(Moody(lambda call, crowd: [7, 8, 9 if crowd == 1 else 4]), REQUEST)
    assert "not in a crowd" in said and "from number 2 on" in said


def test_a_server_without_memory_of_its_seed_is_told_of() -> None:
    said = repeatability(Moody(lambda call, crowd: [7] * (call + 1)), REQUEST)
    assert said.startswith("does not repeat itself") and "number 2 on" in said


def test_a_server_that_does_not_answer_is_an_error() -> None:
    with pytest.raises(LauterError, match="it is asleep"):
        repeatability(Moody(lambda call, crowd: None), REQUEST)
