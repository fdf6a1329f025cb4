"""Completions from an engine: a request becomes a task, and what its row says an answer."""

import itertools
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

import numpy as np

from lauter.datasets.layout import Ids
from lauter.student.generation import Sampling
from lauter.student.serving.batching import STOP, Said, Task
from lauter.student.serving.engine import Engine
from lauter.teacher.step_audio.completion import CompletionRequest

NO_QUEUE_IS_TOO_LONG: Final = 2**31
"""An engine that one completer alone asks: whoever asks for more waits for it."""

_NUMBERS = itertools.count()


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What an engine went on with; the fields are those of ``Completed``."""

    ids: Ids
    ended: bool
    top: tuple[Mapping[int, float], ...] | None
    device_s: float


class Asked:
    """A request that an engine has taken; ``answer`` comes, or an error that is not its own."""

    def __init__(self, engine: Engine, request: CompletionRequest, sampling: Sampling) -> None:
        """Ask; raises ``UsageError`` for a request that the model cannot take."""
        self.answer: Future[Answer] = Future()
        self.begun = self.ended = time.perf_counter()
        self._engine = engine
        self._said: list[Said] = []
        # The same request may be asked for twice at a time, by whoever gave it up meanwhile.
        self._key = f"{request.key} {next(_NUMBERS)}"
        task = Task(
            key=self._key,
            prompt=request.prompt,
            sampling=sampling,
            seed=request.seed,
            max_ids=request.max_tokens,
            stop_ids=frozenset(request.stop_ids),
            top=request.top,
        )
        engine.submit([task], self._hear)

    @property
    def seconds(self) -> float:
        """How long the answer took, the time in the queue among it."""
        return self.ended - self.begun

    def forget(self) -> None:
        """Free its row, where it is still spoken."""
        if not self.answer.done():
            self._engine.cancel([self._key])

    def _hear(self, said: Said | Exception) -> None:
        self.ended = time.perf_counter()
        if isinstance(said, Exception):
            self.answer.set_exception(said)
            return
        self._said.append(said)
        if said.finish:
            self.answer.set_result(_answer(self._said))


def _answer(said: list[Said]) -> Answer:
    ended = said[-1].finish == STOP
    ids = [one.id for one in said[:-1]] if ended else [one.id for one in said]
    tops = tuple(one.top for one in said if one.top is not None)
    return Answer(
        np.asarray(ids, np.int64),
        ended,
        tops if len(tops) == len(said) else None,
        sum(one.seconds for one in said),
    )
