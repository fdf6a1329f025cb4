"""From a body to the tasks that an engine takes."""

import time
from dataclasses import replace
from typing import Any, Final

import numpy as np

from lauter.datasets.errors import UsageError
from lauter.datasets.layout import END, Ids
from lauter.orchestration.serve.complaints import UnknownModelError
from lauter.orchestration.serve.served import Served
from lauter.orchestration.serve.wire import Drawing
from lauter.student.generation import Sampling
from lauter.student.serving.batching import Task

_SEEDS: Final = 2**63


def sampling_of(served: Served, body: Drawing) -> Sampling:
    """Return how a body wants ids drawn."""
    asked: dict[str, Any] = {
        "temperature": body.temperature,
        "top_p": body.top_p,
        "repetition_window": body.repetition_window,
        "repetition_threshold": body.repetition_threshold,
        "constrained": body.constrained,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    return replace(served.student.sampling, **given)


def tasks_of(
    served: Served,
    body: Drawing,
    prompts: list[Ids],
    *,
    choices: int,
    max_ids: int | None,
    top: int = 0,
) -> list[Task]:
    """Return a task for each choice of each prompt, keyed by its index in the answer.

    ``max_ids`` None is all that the context has room for. Choice k of one prompt has the body's
    seed and k; without a seed, one that no other request has. Raises ``UsageError`` for more than
    the server gives at once.
    """
    limits = served.limits
    if len(prompts) * choices > limits.choices:
        raise UsageError(
            f"{len(prompts) * choices} answers are asked for at once, and this server gives "
            f"{limits.choices}; send several requests"
        )
    if top > limits.top:
        raise UsageError(f"logprobs is {top}; this server gives {limits.top} at most")
    named = top * len(prompts) * choices * (max_ids or served.student.model.config.context)
    if named > limits.named:
        raise UsageError(
            f"{named} log-probabilities are asked for, and this server gives {limits.named} at "
            "once; ask for fewer, or lower max_tokens"
        )
    seed = time.time_ns() if body.seed is None else body.seed
    stops = {END} if body.stop_token_ids is None else set(body.stop_token_ids)
    context = served.student.model.config.context
    return [
        Task(
            key=str(number * choices + choice),
            prompt=prompt,
            sampling=sampling_of(served, body),
            seed=(seed + choice) % _SEEDS,
            max_ids=max(1, context - len(prompt)) if max_ids is None else max_ids,
            stop_ids=frozenset({END, *stops}),
            top=top,
        )
        for number, prompt in enumerate(prompts)
        for choice in range(choices)
    ]


def check_model(served: Served, body: Drawing) -> None:
    """Raise ``UnknownModelError`` where a body names a model that is not served here."""
    if body.model not in (None, "", served.name):
        raise UnknownModelError(
            f"there is no model '{body.model}' here; this server has '{served.name}'"
        )


def as_ids(served: Served, prompt: str | list[int]) -> Ids:
    """Return a prompt as ids: as they are, or a text as the model's tokenizer reads it."""
    ids = served.student.tokenizer.encode(prompt) if isinstance(prompt, str) else prompt
    return np.asarray(ids, np.int64)
