"""Requests among the replicas of a checkpoint, in one event loop.

Each replica is kept: started, and started again when it died, as soon as there is room for it. A
request goes to the one in service that has the fewest; no more are sent to it than it needs to be
busy, so that the others wait here, for whichever is free first. What a replica had when it died is
asked again at another one, before all else that waits.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from lauter.datasets.errors import LauterError, UsageError
from lauter.pipelines.checkpoint_run import CheckpointRun
from lauter.pipelines.completing import Answer
from lauter.pipelines.engines.failures import failure_of
from lauter.pipelines.ray_replica import ColdStart, Needs, Replica
from lauter.teacher.step_audio.completion import (
    OK,
    Attempt,
    Completed,
    CompletionError,
    CompletionRequest,
)

DIED: Final = "died"
"""The outcome of an attempt whose replica was gone before it had answered."""
MOST_FAILED_STARTS: Final = 3
"""So many times each replica is tried again before requests are told that there is none."""
_LONGEST_PAUSE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Standing:
    """How a replica is doing: ``state`` is ``in service``, or why it is not.

    ``nodes`` are the ids of the nodes where it is; ``starts`` is how often it was in service, the
    last time after ``cold_start``.
    """

    name: str
    state: str
    in_flight: int
    nodes: tuple[str, ...]
    starts: int
    cold_start: ColdStart | None


@dataclass(slots=True, eq=False)
class _Kept:
    """A replica's number and what became of it so far; ``replica`` is the one in service."""

    name: str
    replica: Replica | None = None
    starts: int = 0
    failed_starts: int = 0
    failure: LauterError | None = None
    cold_start: ColdStart | None = None


@dataclass(slots=True, eq=False)
class _Wish:
    request: CompletionRequest
    answer: "asyncio.Future[Completed | CompletionError]"
    attempts: list[Attempt] = field(default_factory=list)
    asking: "asyncio.Task[None] | None" = None

    def fulfil(self, answer: Completed | CompletionError) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)

    def give_up(self, reason: str) -> None:
        sentence = f"request {self.request.key} has no answer: {reason}"
        self.fulfil(CompletionError(sentence, tuple(self.attempts)))


class Dispatch:
    """Replicas and what is asked of them; made in an event loop in which Ray is known."""

    def __init__(
        self, run: CheckpointRun, needs: Needs, replicas: int, attempts: int, unserved_s: float
    ) -> None:
        """Begin to start so many replicas; see ``RayCompleter`` for the rest."""
        self._run = run
        self._needs = needs
        self._attempts = attempts
        self._unserved_s = unserved_s
        # A row that is free is filled from those that wait at the replica.
        self._room = run.rows + run.rows // 4 + 1
        self._wishes: set[_Wish] = set()
        self._waiting: deque[_Wish] = deque()
        self._patience: asyncio.TimerHandle | None = None
        self._kept = [_Kept(f"replica {number}") for number in range(replicas)]
        self._keepers = [asyncio.create_task(self._keep(one)) for one in self._kept]

    async def complete(
        self, requests: Sequence[CompletionRequest]
    ) -> list[Completed | CompletionError]:
        """Return, in order, what came of each request."""
        loop = asyncio.get_running_loop()
        wishes = [_Wish(request, loop.create_future()) for request in requests]
        self._wishes.update(wishes)
        self._waiting.extend(wishes)
        self._deal()
        try:
            return await asyncio.gather(*(wish.answer for wish in wishes))
        finally:
            self._wishes.difference_update(wishes)
            for wish in wishes:
                if wish.asking:
                    wish.asking.cancel()

    async def standings(self) -> tuple[Standing, ...]:
        """Return how each replica is doing."""
        return tuple(map(self._standing, self._kept))

    async def close(self) -> None:
        """End all replicas and give their places back; what is asked for meanwhile is cancelled."""
        for wish in self._wishes:
            wish.answer.cancel()
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        if self._patience:
            self._patience.cancel()

    def _standing(self, kept: _Kept) -> Standing:
        replica = kept.replica
        state = "in service" if replica else str(kept.failure or "starting")
        return Standing(
            kept.name,
            state,
            replica.in_flight if replica else 0,
            replica.nodes if replica else (),
            kept.starts,
            kept.cold_start,
        )

    async def _keep(self, kept: _Kept) -> None:
        """Have a replica in service, again and again."""
        while True:
            try:
                replica = await Replica.start(self._run, self._needs)
            except Exception as error:
                kept.failed_starts += 1
                kept.failure = _told(error, f"{kept.name} could not be started")
                self._settle()
                await asyncio.sleep(min(2.0 ** (kept.failed_starts - 1), _LONGEST_PAUSE_S))
                continue
            kept.replica, kept.cold_start = replica, replica.cold_start
            kept.starts, kept.failed_starts, kept.failure = kept.starts + 1, 0, None
            self._deal()
            try:
                await replica.end()
            finally:
                kept.replica = None
                replica.close()
                self._settle()

    def _deal(self) -> None:
        """Send what waits to those who have room."""
        while self._waiting:
            free = [
                kept
                for kept in self._kept
                if kept.replica and kept.replica.is_sound and kept.replica.in_flight < self._room
            ]
            if not free:
                break
            wish = self._waiting.popleft()
            if wish.answer.done():  # nobody waits for it any more
                continue
            kept = min(free, key=lambda one: one.replica.in_flight if one.replica else 0)
            assert kept.replica is not None
            kept.replica.in_flight += 1
            wish.asking = asyncio.create_task(self._ask(kept.name, kept.replica, wish))
        self._settle()

    async def _ask(self, name: str, replica: Replica, wish: _Wish) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()

        def attempted(outcome: str) -> None:
            seconds = loop.time() - begun
            wish.attempts.append(Attempt(name, outcome, seconds, wish.request.seed))

        try:
            answer = await replica.complete(wish.request)
        except Exception as error:
            attempted(DIED)
            if len(wish.attempts) < self._attempts:
                self._waiting.appendleft(wish)
            else:
                reason = _told(error, f"{name} died")
                wish.give_up(f"{len(wish.attempts)} replicas died while they had it: {reason}")
        else:
            if isinstance(answer, Answer):
                attempted(OK)
                wish.fulfil(
                    Completed(
                        answer.ids, answer.ended, answer.top, answer.device_s, tuple(wish.attempts)
                    )
                )
            else:
                wish.give_up(answer)
        finally:
            replica.in_flight -= 1
            self._deal()

    def _settle(self) -> None:
        """See to it that nobody waits for ever while no replica is in service."""
        is_hopeless = all(
            isinstance(kept.failure, UsageError) or kept.failed_starts >= MOST_FAILED_STARTS
            for kept in self._kept
        )
        if not self._waiting or any(kept.replica for kept in self._kept):
            if self._patience:
                self._patience.cancel()
                self._patience = None
        elif is_hopeless:
            self._give_up_all(str(self._kept[-1].failure))
        elif self._patience is None:
            self._patience = asyncio.get_running_loop().call_later(
                self._unserved_s,
                lambda: self._give_up_all(
                    f"no replica was in service for {self._unserved_s:g} s, each of which needs "
                    f"{self._needs}"
                ),
            )

    def _give_up_all(self, reason: str) -> None:
        self._patience = None
        while self._waiting:
            self._waiting.popleft().give_up(reason)


def _told(error: Exception, what: str) -> LauterError:
    """Return what was said inside Ray, without where and through how many calls."""
    return failure_of(getattr(error, "cause", error), what)
