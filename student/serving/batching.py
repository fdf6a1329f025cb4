"""Continuous batching: each step gives every live row one id more, and rows come and go between.

A row's ids depend on its prompt, its sampling and its seed, up to rounding, as in
``generation.py``, whose rules of drawing hold here too. A new row's prompt is read in the step in
which it joins, at most so many ids of prompts at once, so that rows in the middle of speech do not
wait long for newcomers.
"""

import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import torch
from torch import Tensor

from lauter.datasets.codes import GROUP
from lauter.datasets.errors import UsageError
from lauter.datasets.layout import END, Ids
from lauter.student.generation import (
    Sampling,
    draw,
    hold_back_repetition,
    left_padded,
    legal_ids,
)
from lauter.student.model import KeyValueCache, SpeechModel
from lauter.student.serving.slots import Slots

STOP: Final = "stop"
"""A row that has said one of its stop ids."""
LENGTH: Final = "length"
"""A row that has said as much as it may."""


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A prompt to go on from, until one of ``stop_ids`` or ``max_ids`` ids.

    ``sampling.constrained`` keeps the answer to speech codes and their end, each in its slot; the
    number of codes is bounded by ``max_ids`` alone. ``top`` is how many of the likeliest ids are
    wanted beside each that is drawn.
    """

    key: str
    prompt: Ids
    sampling: Sampling
    seed: int
    max_ids: int
    stop_ids: frozenset[int] = frozenset({END})
    top: int = 0


@dataclass(frozen=True, slots=True)
class Said:
    """One id that a row has said; ``finish`` says why it was the last one, or None.

    ``top`` are the likeliest ids there with their natural log-probabilities, before temperature
    and what is legal, and ``log_probability`` is that of the id itself. ``seconds`` are this row's
    part of the step's time, which all rows that are spoken in it share equally.
    """

    key: str
    id: int
    finish: str | None
    top: dict[int, float] | None = None
    log_probability: float | None = None
    seconds: float = 0.0


@dataclass(eq=False)
class _Row:
    task: Task
    stream: np.random.Generator
    said: int = 0
    recent: deque[int] = field(default_factory=deque)


class Batching:
    """A model and the rows that it goes on with; not thread-safe."""

    def __init__(self, model: SpeechModel, *, rows: int, prefill_ids: int = 2048) -> None:
        device = model.lm_head.weight.device
        self._model = model.eval()
        self._most_rows = rows
        self._prefill_ids = prefill_ids
        self._slots = Slots(model, rows)
        self._legal = legal_ids(model.config.vocabulary, device)
        self._waiting: deque[Task] = deque()
        self._reading: list[Task] = []
        self._rows: list[_Row] = []
        self._logits = torch.empty(0, model.config.vocabulary_size, device=device)

    @property
    def rows(self) -> int:
        """How many rows can be spoken at once."""
        return self._most_rows

    @property
    def live(self) -> int:
        """How many rows are spoken."""
        return len(self._rows)

    @property
    def waiting(self) -> int:
        """How many tasks wait for a place, or have their prompts read."""
        return len(self._waiting) + len(self._reading)

    @property
    def cache_bytes(self) -> int:
        """The memory of keys and values."""
        return self._slots.bytes

    def check(self, task: Task) -> None:
        """Raise ``UsageError`` for a task that the model cannot take."""
        config = self._model.config
        if not len(task.prompt):
            raise UsageError("the prompt is empty; give it at least one id")
        if task.max_ids < 1:
            raise UsageError(f"at most {task.max_ids} ids are asked for; ask for 1 or more")
        wrong = np.flatnonzero((task.prompt < 0) | (task.prompt >= config.vocabulary_size))
        if len(wrong):
            raise UsageError(
                f"the prompt has the id {task.prompt[wrong[0]]} at position {wrong[0]}, and the "
                f"model knows 0 to {config.vocabulary_size - 1}; encode it with its tokenizer"
            )
        if len(task.prompt) + task.max_ids > config.context:
            raise UsageError(
                f"the prompt has {len(task.prompt)} ids and {task.max_ids} more are asked for, and "
                f"the model's context is {config.context}; shorten the prompt or ask for fewer"
            )

    def add(self, task: Task) -> None:
        """Let a task wait for a place; raises as ``check`` does."""
        self.check(task)
        self._waiting.append(task)

    def cancel(self, key: str) -> bool:
        """Forget a task and free its place; returns whether it was there."""
        for number, row in enumerate(self._rows):
            if row.task.key == key:
                self._leave([number])
                return True
        known = [task for task in self._waiting if task.key == key]
        for task in known:
            self._waiting.remove(task)
        return bool(known)

    @torch.inference_mode()
    def step(self) -> list[Said]:
        """Let newcomers join and give every row one id; returns what was said, by row."""
        started = time.perf_counter()
        self._admit()
        if not self._rows:
            return []
        drawn = self._draw()
        tops = self._tops(drawn)
        said = []
        for row, one, (top, log_probability) in zip(self._rows, drawn, tops, strict=True):
            row.said += 1
            row.recent.append(one)
            finish = (
                STOP
                if one in row.task.stop_ids
                else LENGTH
                if row.said >= row.task.max_ids
                else None
            )
            said.append(Said(row.task.key, one, finish, top, log_probability))
        self._leave([number for number, one in enumerate(said) if one.finish])
        if self._rows:
            newest = torch.tensor([[row.recent[-1]] for row in self._rows])
            self._logits = self._answers(newest, None, self._slots.next())
        share = (time.perf_counter() - started) / len(said)
        return [replace(one, seconds=share) for one in said]

    def _admit(self) -> None:
        """Read the prompts of those who find a place."""
        chosen = self._reading
        longest = 0
        while self._waiting and len(self._rows) + len(chosen) < self._most_rows:
            longest = max(longest, len(self._waiting[0].prompt))
            if chosen and longest * (len(chosen) + 1) > self._prefill_ids:
                break
            chosen.append(self._waiting.popleft())
        if not chosen:
            return
        ids, segments = left_padded([task.prompt for task in chosen], torch.device("cpu"))
        cache = self._model.empty_cache(len(chosen), ids.shape[1])
        answers = self._answers(ids, segments, cache)
        self._slots.join(cache, [len(task.prompt) for task in chosen])
        self._rows += [_begun(task) for task in chosen]
        self._logits = torch.cat([self._logits, answers])
        self._reading = []

    def _answers(self, ids: Tensor, segments: Tensor | None, cache: KeyValueCache) -> Tensor:
        """Take in ids ``[rows, time]``; return float32 logits after the last of each row."""
        device = self._logits.device
        given = None if segments is None else segments.to(device)
        hidden = self._model.hidden(ids.to(device), given, cache)
        return self._model.head(hidden[:, -1]).float()

    def _draw(self) -> list[int]:
        """Return each row's next id; rows of one sampling are drawn together."""
        drawn = [0] * len(self._rows)
        by_sampling: dict[Sampling, list[int]] = {}
        for number, row in enumerate(self._rows):
            by_sampling.setdefault(row.task.sampling, []).append(number)
        device = self._logits.device
        for sampling, numbers in by_sampling.items():
            rows = [self._rows[number] for number in numbers]
            scores = self._logits[torch.tensor(numbers, device=device)]
            window = max(1, sampling.repetition_window)
            recent = torch.tensor([list(row.recent)[-window:] for row in rows], device=device)
            hold_back_repetition(scores, recent, sampling)
            if sampling.constrained:
                slots = torch.tensor([row.said % GROUP for row in rows], device=device)
                scores.masked_fill_(~self._legal[slots], -torch.inf)
            draws = torch.tensor(
                [row.stream.random() for row in rows], dtype=torch.float64, device=device
            )
            for number, one in zip(numbers, draw(scores, sampling, draws).tolist(), strict=True):
                drawn[number] = one
        return drawn

    def _tops(self, drawn: Sequence[int]) -> list[tuple[dict[int, float] | None, float | None]]:
        """Return each row's likeliest ids and how likely the drawn one was, where it is wanted."""
        wanted = [row.task.top for row in self._rows]
        if not any(wanted):
            return [(None, None)] * len(wanted)
        every = self._logits.log_softmax(1)
        values, ids = every.topk(min(max(wanted), every.shape[1]), dim=1)
        own = every.gather(1, torch.tensor(drawn, device=every.device)[:, None]).squeeze(1)
        return [
            (dict(zip(row_ids[:count], row_values[:count], strict=True)), one)
            if count
            else (None, None)
            for count, row_ids, row_values, one in zip(
                wanted, ids.tolist(), values.tolist(), own.tolist(), strict=True
            )
        ]

    def _leave(self, numbers: Sequence[int]) -> None:
        """Free the places of rows; the last ones take them, in logits as in the slots."""
        if not numbers:
            return
        order = list(range(len(self._rows)))
        for number in sorted(numbers, reverse=True):
            self._slots.leave(number)
            order[number] = order[-1]
            order.pop()
        self._rows = [self._rows[number] for number in order]
        self._logits = self._logits[torch.tensor(order, device=self._logits.device).long()]


def _begun(task: Task) -> _Row:
    window = max(1, task.sampling.repetition_window)
    before: Iterable[int] = (int(one) for one in task.prompt[-window:])
    # Filled up with what is no id, so that all windows are of one length.
    padding = [-1] * (window - min(window, len(task.prompt)))
    stream = np.random.default_rng(task.seed % 2**64)
    return _Row(task, stream, recent=deque([*padding, *before], maxlen=window))
