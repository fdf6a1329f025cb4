"""How a completion is asked for and told on the wire, apart from the wire.

``/v1/completions`` in the dialect of vLLM (0.10.2 and later, its ``CompletionRequest``): the prompt
is a list of ids, and ``return_token_ids`` puts the ids themselves into each streamed chunk, so that
no text stands between. With ``return_tokens_as_token_ids`` the likeliest are named
``token_id:N``. vLLM's ids have the stop id at their end, other servers' may not; its likeliest
have the drawn id besides the k that were asked for. Our own server adds ``device_s`` to a choice
that ends: what of its device's time the answer took.
"""

import json
import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from lauter.datasets.layout import Ids
from lauter.teacher.step_audio.completion import CompletionRequest

CUT_OFF: Final = "cut off"
"""The stream ended before the answer did."""
NO_JSON: Final = "no json"
"""A chunk is no JSON."""
GARBAGE: Final = "garbage"
"""JSON, or another document, that is no chunk of a completion with ids."""
TOO_LONG: Final = "too long"
"""More ids than were asked for."""
NO_LOGPROBS: Final = "no logprobs"
"""Not for each id and the stop id there are the likeliest ids that were asked for."""

DONE: Final = "[DONE]"
RESERVED: Final = frozenset(
    {
        "model",
        "prompt",
        "seed",
        "max_tokens",
        "stop_token_ids",
        "stream",
        "skip_special_tokens",
        "return_token_ids",
        "return_tokens_as_token_ids",
        "logprobs",
        "n",
        "echo",
    }
)
"""Keys of the body that are not a matter of sampling."""
_ENDS = {"stop": True, "length": False, "repetition": False}
_NAME = "token_id:"
_NO_ID = 1 << 31


class FailedAttemptError(Exception):
    """An attempt that gave no answer; ``outcome`` is the countable reason.

    ``is_final`` where asking again, here or elsewhere, would give the same. ``retry_after_s`` is
    when the server wishes to be asked again.
    """

    def __init__(
        self,
        outcome: str,
        detail: str = "",
        *,
        retry_after_s: float | None = None,
        is_final: bool = False,
    ) -> None:
        super().__init__(outcome, detail)
        self.outcome = outcome
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.is_final = is_final

    def __str__(self) -> str:
        return f"{self.outcome} ({self.detail})" if self.detail else self.outcome


def completion_body(
    request: CompletionRequest, model: str, sampling: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the JSON body that asks ``model`` for a request's completion."""
    body = {
        **sampling,
        "model": model,
        "prompt": request.prompt.tolist(),
        "seed": request.seed,
        "max_tokens": request.max_tokens,
        "stop_token_ids": list(request.stop_ids),
        "stream": True,
        "skip_special_tokens": False,
        "return_token_ids": True,
    }
    if request.top:
        body |= {"logprobs": request.top, "return_tokens_as_token_ids": True}
    return body


class Answer:
    """An answer as it comes in, chunk by chunk."""

    def __init__(self, request: CompletionRequest) -> None:
        self._request = request
        self._ids: list[int] = []
        self._top: list[dict[int, float]] = []
        self._ended: bool | None = None
        self.device_s: float | None = None
        """What the server says of its device's time for it, in seconds; None: it does not say."""

    @property
    def received(self) -> int:
        """How many ids have come."""
        return len(self._ids)

    @property
    def is_whole(self) -> bool:
        """Whether the server has said why it ended: nothing more is needed."""
        return self._ended is not None

    def take(self, data: str) -> None:
        """Take in a chunk; raises ``FailedAttemptError`` where it is none, or too much."""
        if data == DONE:
            return
        try:
            chunk = json.loads(data)
        except (RecursionError, ValueError):
            raise FailedAttemptError(NO_JSON, data[:80]) from None
        try:
            if chunk.get("error"):
                raise FailedAttemptError(*_told(chunk["error"]))
            # A last chunk may tell the usage, and has no choice.
            for choice in chunk["choices"][:1]:
                self._take(choice)
        except (AttributeError, KeyError, TypeError, ValueError):
            raise FailedAttemptError(GARBAGE, data[:80]) from None

    def _take(self, choice: dict[str, Any]) -> None:
        ids = choice.get("token_ids") or []
        if not all(type(id_) is int and 0 <= id_ < _NO_ID for id_ in ids):
            raise ValueError
        if choice.get("text") and not ids and not self._ids:
            raise FailedAttemptError(
                GARBAGE, "text without token_ids; the server must know return_token_ids"
            )
        self._ids += ids
        if len(self._ids) > self._request.max_tokens:
            raise FailedAttemptError(TOO_LONG, f"more than {self._request.max_tokens} ids")
        if self._request.top:
            named = (choice.get("logprobs") or {}).get("top_logprobs") or []
            self._top += map(self._likeliest, named)
        if (reason := choice.get("finish_reason")) is not None:
            if reason not in _ENDS:
                raise FailedAttemptError(CUT_OFF, f"finish_reason {reason}")
            self._ended = _ENDS[reason]
            if (told := choice.get("device_s")) is not None:
                self.device_s = _seconds(told)

    def _likeliest(self, named: Mapping[str, float] | None) -> dict[int, float]:
        if named is None or not all(name.startswith(_NAME) for name in named):
            raise FailedAttemptError(NO_LOGPROBS, f"they are not named {_NAME}N")
        by_id = {int(name.removeprefix(_NAME)): float(value) for name, value in named.items()}
        if not all(map(math.isfinite, by_id.values())):
            raise ValueError
        likeliest = sorted(by_id, key=lambda id_: -by_id[id_])
        return {id_: by_id[id_] for id_ in likeliest[: self._request.top]}

    def result(self) -> tuple[Ids, bool, list[dict[int, float]] | None]:
        """Return a whole answer's ids without the stop id, whether that came, and the likeliest.

        Raises ``FailedAttemptError`` where the answer is not whole.
        """
        if self._ended is None:
            raise FailedAttemptError(CUT_OFF, f"after {self.received} ids")
        ids = self._ids
        if self._ended and ids and ids[-1] in self._request.stop_ids:
            ids = ids[:-1]
        if self._request.top and len(self._top) != len(ids) + self._ended:
            raise FailedAttemptError(NO_LOGPROBS, f"{len(self._top)} for {len(ids)} ids")
        return np.asarray(ids, np.int64), self._ended, self._top if self._request.top else None


def _seconds(told: Any) -> float:
    """Return a time that a server told; raises ``ValueError`` or ``TypeError`` where it is none."""
    if not 0 <= (seconds := float(told)) < math.inf:
        raise ValueError
    return seconds


def _told(error: Any) -> tuple[str, str]:
    """Return outcome and detail of an error that a server told in the stream."""
    code = error.get("code")
    known = type(code) is int and 400 <= code < 600
    return f"http {code if known else 500}", str(error.get("message", ""))[:200]
