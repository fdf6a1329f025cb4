"""`/v1/completions`: ids or text in, ids and text out, with log-probabilities."""

import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lauter.datasets.layout import Ids
from lauter.orchestration.serve.answers import Asking, Events, event, in_time, told_errors
from lauter.orchestration.serve.drawing import as_ids, check_model, tasks_of
from lauter.orchestration.serve.served import Served
from lauter.orchestration.serve.spelling import Speller
from lauter.orchestration.serve.wire import CompletionBody
from lauter.student.serving.batching import Said, Task


async def complete(served: Served, request: Request, body: CompletionBody) -> Response:
    """Answer a body, whole or as a stream."""
    check_model(served, body)
    prompts = _prompts(served, body)
    # The likeliest id is the least that can be given beside each.
    top = 0 if body.logprobs is None else max(1, body.logprobs)
    tasks = tasks_of(served, body, prompts, choices=body.n, max_ids=body.max_tokens, top=top)
    asking = Asking(served, tasks)
    if body.stream:
        return Events(asking, told_errors(_events(served, body, tasks, asking)))
    try:
        choices = await in_time(served, request, _whole(served, body, tasks, asking))
    finally:
        asking.close()
    used = _usage(tasks, sum(len(choice.ids) for choice in choices))
    taken = [choice.taken() for choice in choices]
    return JSONResponse(_head(served) | {"choices": taken, "usage": used})


def _prompts(served: Served, body: CompletionBody) -> list[Ids]:
    given = body.prompt
    if isinstance(given, str):
        return [as_ids(served, given)]
    if all(isinstance(one, int) for one in given):
        return [as_ids(served, cast(list[int], given))]
    return [as_ids(served, one) for one in cast(list[str | list[int]], given)]


def _head(served: Served) -> dict[str, Any]:
    return {
        "id": f"cmpl-{uuid.uuid4().hex}",
        "object": "text_completion",
        "created": int(time.time()),
        "model": served.name,
    }


def _usage(tasks: list[Task], said: int) -> dict[str, int]:
    # Several choices of one prompt have read it once each, and are told of it once.
    read = sum(len(prompt) for prompt in {id(task.prompt): task.prompt for task in tasks}.values())
    return {"prompt_tokens": read, "completion_tokens": said, "total_tokens": read + said}


async def _whole(
    served: Served, body: CompletionBody, tasks: list[Task], asking: Asking
) -> list["_Choice"]:
    choices = [_Choice(served, body, number) for number in range(len(tasks))]
    async for piece in asking.pieces():
        for one in piece:
            choices[int(one.key)].add(one)
    return choices


async def _events(
    served: Served, body: CompletionBody, tasks: list[Task], asking: Asking
) -> AsyncIterator[bytes]:
    head = _head(served)
    choices = [_Choice(served, body, number) for number in range(len(tasks))]
    said = 0
    started = time.perf_counter()
    async for piece in asking.pieces(served.stream_s):
        if not said:
            served.metrics.first_seconds.observe(time.perf_counter() - started)
        said += len(piece)
        for one in piece:
            choices[int(one.key)].add(one)
        yield event(head | {"choices": [choice.taken() for choice in choices if choice.ids]})
    if body.stream_options is not None and body.stream_options.include_usage:
        yield event(head | {"choices": [], "usage": _usage(tasks, said)})
    yield b"data: [DONE]\n\n"


@dataclass(eq=False)
class _Choice:
    """What one task has said and nobody has taken yet."""

    served: Served
    body: CompletionBody
    number: int
    ids: list[int] = field(default_factory=list)
    finish: str | None = None

    def __post_init__(self) -> None:
        student = self.served.student
        self._speller = Speller(student.tokenizer, student.model.config.vocabulary)
        self._said: list[Said] = []
        self._length = 0
        self._device_s = 0.0

    def add(self, one: Said) -> None:
        self.ids.append(one.id)
        self._said.append(one)
        self._device_s += one.seconds
        self.finish = one.finish

    def taken(self) -> dict[str, Any]:
        """Return what was said since the last time, as OpenAI's clients read it."""
        text = "".join(self._speller.spell(one) for one in self.ids)
        if self.finish:
            text += self._speller.rest()
        choice: dict[str, Any] = {
            "index": self.number,
            "text": text,
            "logprobs": None if self.body.logprobs is None else self._logprobs(),
            "finish_reason": self.finish,
        }
        if self.finish:
            # Nobody else can tell what of the device's time one answer of many took.
            choice["device_s"] = self._device_s
        if self.body.return_token_ids:
            choice["token_ids"] = self.ids
        self.ids, self._said = [], []
        return choice

    def _logprobs(self) -> dict[str, Any]:
        named = self._name
        offsets = []
        for one in self._said:
            offsets.append(self._length)
            self._length += len(self.served.spelling(one.id))
        return {
            "text_offset": offsets,
            "tokens": [named(one.id) for one in self._said],
            "token_logprobs": [one.log_probability for one in self._said],
            "top_logprobs": [self._top(one) for one in self._said],
        }

    def _top(self, said: Said) -> dict[str, float | None]:
        """Return the likeliest ids by their names, and the one that was drawn."""
        named: dict[str, float | None] = {}
        for one, value in (said.top or {}).items():
            # Ids of control are all spelt alike; the likeliest of them stands for all.
            named.setdefault(self._name(one), value)
        named.setdefault(self._name(said.id), said.log_probability)
        return named

    def _name(self, one: int) -> str:
        if self.body.return_tokens_as_token_ids:
            return f"token_id:{one}"
        return self.served.spelling(one)
