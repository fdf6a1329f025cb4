"""One request, asked until it is answered: again, elsewhere, and twice at a time where one lags.

The first whole answer wins, and whatever else is in flight is cancelled before it is returned. So
a request that was answered is never asked again.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from lauter.teacher.step_audio.completion import (
    HEDGED,
    OK,
    Attempt,
    Completed,
    CompletionError,
    CompletionRequest,
)
from lauter.teacher.step_audio.hedging import Hedger
from lauter.teacher.step_audio.retries import Retries
from lauter.teacher.step_audio.roster import Roster, Seat, UnservedError
from lauter.teacher.step_audio.server import NO_CONNECTION
from lauter.teacher.step_audio.wire import Answer, FailedAttemptError

_LOOK_AGAIN_S: Final = 0.1
"""How soon an attempt is looked at again that could not be judged, or hedged."""


@dataclass(frozen=True, slots=True)
class Means:
    """What the requests of a pool share; ``body`` writes one, once a server is there to read it."""

    roster: Roster
    retries: Retries
    hedger: Hedger | None
    body: Callable[[CompletionRequest], dict[str, Any]]


@dataclass(slots=True, eq=False)
class _Try:
    seat: Seat
    answer: Answer
    name: str
    since: float
    outcome: str = HEDGED


class Pursuit:
    """One request and all that is done for it."""

    def __init__(self, request: CompletionRequest, means: Means) -> None:
        self._request = request
        self._means = means
        self._loop = asyncio.get_running_loop()
        self._attempts: list[Attempt] = []
        self._begun = 0
        self._failures: Counter[str] = Counter()
        self._device_s = 0.0
        self._answer: Answer | None = None
        self._failure: FailedAttemptError | None = None

    async def run(self) -> Completed | CompletionError:
        """Ask until there is an answer, or no sense in asking on; called once."""
        if self._means.hedger:
            self._means.hedger.asked()
        while True:
            try:
                await self._round()
            except UnservedError as error:
                return self._error(str(error))
            if self._answer:
                ids, ended, top = self._answer.result()
                return Completed(ids, ended, top, self._device_s, tuple(self._attempts))
            if self._failure and self._failure.is_final:
                return self._error(f"it was refused: {self._failure}")
            if self._begun >= self._means.retries.attempts:
                return self._error(f"it failed {self._begun} times, at last with: {self._failure}")
            wait_s = self._means.retries.wait_s(self._failures.total(), random.random())
            await asyncio.sleep(wait_s)

    async def _round(self) -> None:
        """Ask one server, and another one beside it where the first lags behind."""
        roster = self._means.roster
        first = self._try(await roster.seat(self._failures, self._tokens(self._request.max_tokens)))
        running = {self._begin(first): first}
        is_hedged = False
        try:
            while running and not self._answer:
                look_in_s = None if is_hedged else self._lags_in_s(first)
                if look_in_s == 0.0:
                    if spare := self._spare(first):
                        second = self._try(spare)
                        running[self._begin(second)] = second
                        is_hedged, look_in_s = True, None
                    else:
                        look_in_s = _LOOK_AGAIN_S
                done, _ = await asyncio.wait(
                    running, timeout=look_in_s, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    self._over(running.pop(task))
                    task.result()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            for one in running.values():
                self._over(one)

    def _lags_in_s(self, first: _Try) -> float | None:
        """Return when to look whether an attempt lags behind, 0: it does, None: never."""
        if self._means.hedger is None or self._begun >= self._means.retries.attempts:
            return None
        if first.answer.is_whole:
            # Only the end of its stream is out: nobody else need be asked.
            return _LOOK_AGAIN_S
        now = self._loop.time()
        others = [
            member.paces
            for member in self._means.roster.members
            if member is not first.seat.member and member.is_in_service(now)
        ]
        due_s = self._means.hedger.due_s(first.answer.received, others)
        return _LOOK_AGAIN_S if due_s is None else max(first.since + due_s - now, 0.0)

    def _spare(self, first: _Try) -> Seat | None:
        hedger = self._means.hedger
        if hedger is None or not hedger.may_hedge():
            return None
        tokens = self._tokens(self._request.max_tokens)
        seat = self._means.roster.spare(self._failures, tokens, [first.seat.member])
        if seat:
            hedger.hedged()
        return seat

    def _try(self, seat: Seat) -> _Try:
        self._begun += 1
        name = f"{self._request.key}-{self._begun}"
        return _Try(seat, Answer(self._request), name, self._loop.time())

    def _begin(self, one: _Try) -> asyncio.Task[None]:
        return self._loop.create_task(self._ask(one))

    async def _ask(self, one: _Try) -> None:
        member = one.seat.member
        try:
            await member.server.complete(self._means.body(self._request), one.answer, one.name)
        except FailedAttemptError as failure:
            one.outcome = failure.outcome
            self._failed(one, failure)
            return
        member.breaker = member.breaker.succeeded()
        if self._answer is None:
            self._answer, one.outcome = one.answer, OK
            if self._means.hedger:
                self._means.hedger.answered(one.answer.received)

    def _failed(self, one: _Try, failure: FailedAttemptError) -> None:
        member, now = one.seat.member, self._loop.time()
        self._failures[member.url] += 1
        if not (self._failure and self._failure.is_final):
            self._failure = failure
        if failure.retry_after_s is not None:
            member.rests_until = max(member.rests_until, now + failure.retry_after_s)
        elif not (failure.is_final or failure.outcome == "http 429"):
            member.breaker = member.breaker.failed(now, is_trial=one.seat.visit.is_trial)
        if failure.outcome == NO_CONNECTION:
            # Out of service until it answers for its health again.
            member.trouble = NO_CONNECTION

    def _over(self, one: _Try) -> None:
        member, now = one.seat.member, self._loop.time()
        seconds = now - one.since
        self._attempts.append(Attempt(member.url, one.outcome, seconds, self._request.seed))
        if one.outcome in (OK, HEDGED):
            # Of an attempt that was given up it is known that it was no quicker than this.
            member.saw_pace(seconds / max(one.answer.received, 1), now)
        part_s = self._means.roster.leave(one.seat, self._tokens(one.answer.received))
        told_s = one.answer.device_s
        self._device_s += part_s if told_s is None else told_s * member.server.settings.devices

    def _tokens(self, answered: int) -> int:
        return len(self._request.prompt) + answered

    def _error(self, reason: str) -> CompletionError:
        message = f"request {self._request.key} has no answer: {reason}"
        return CompletionError(message, tuple(self._attempts), self._device_s)
