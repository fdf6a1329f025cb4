"""What is asked of whoever runs a checkpoint: ids to go on from; and what comes back.

A ``Completer`` is a pool of HTTP servers, a set of Ray actors or a model in this process; the
teacher knows it through this file alone. It sees to it that an answer comes (other servers, again,
in time); whether the answer is speech is the teacher's question.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lauter.datasets.errors import LauterError
from lauter.datasets.layout import Ids
from lauter.teacher.attempts import HEDGED, OK, Attempt

__all__ = [
    "HEDGED", "OK", "Attempt", "Completed", "Completer", "CompletionError", "CompletionRequest",
    "Identity",
]  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class CompletionRequest:
    """Ids to go on from, until one of ``stop_ids`` or ``max_tokens``.

    ``key`` is the request's id, for logs and counts. ``top`` is how many of the likeliest ids are
    wanted at each place, 0: none.
    """

    key: str
    prompt: Ids
    seed: int
    max_tokens: int
    stop_ids: tuple[int, ...]
    top: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Completed:
    """What a model went on with.

    ``ids`` are without the stop id; ``ended`` says whether it came. ``top`` has, for each id and
    the stop id after them, the likeliest ids with their natural log-probabilities (None: not asked
    for). ``device_s`` is the time of accelerators that this answer took: what its server says of
    that, else an equal part, among all requests in flight there, of each second of its devices.
    ``attempts`` are all times of asking, the one that gave the answer among them.
    """

    ids: Ids
    ended: bool
    top: Sequence[Mapping[int, float]] | None
    device_s: float
    attempts: tuple[Attempt, ...]


class CompletionError(LauterError):
    """No answer came, however often it was asked for; ``attempts`` says how often and why.

    ``device_s`` is the time of accelerators that was spent in vain.
    """

    def __init__(
        self, message: str, attempts: tuple[Attempt, ...] = (), device_s: float = 0.0
    ) -> None:
        super().__init__(message)
        self.attempts = attempts
        self.device_s = device_s


@dataclass(frozen=True, slots=True)
class Identity:
    """Who answers: model name, digest of its weights (empty: unknown) and version of the server.

    Two of one identity are expected to give the same ids to the same request and seed.
    """

    model: str
    checkpoint: str
    server: str


class Completer(Protocol):
    """Whoever runs a checkpoint."""

    @property
    def sampling(self) -> Mapping[str, Any]:
        """How it draws ids, as plain figures; part of a teacher's fingerprint."""
        ...

    def identity(self) -> Identity:
        """Say who answers; raises ``LauterError`` where nobody does, or not all are of one kind."""
        ...

    def complete(self, requests: Sequence[CompletionRequest]) -> list[Completed | CompletionError]:
        """Return, in order, what came of each request. An answer that came is never asked again."""
        ...

    def close(self) -> None:
        """Let go of connections and workers."""
        ...
