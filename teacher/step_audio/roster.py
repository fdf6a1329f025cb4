"""Which server a request goes to, and who waits where all are busy.

Requests wait in the order of their coming. The next one goes to the server that is least full; how
full it is counts by the time that its answers take of late, so that one that is ten times slower
than its peers is left for when these have ten times as much to do. A request that failed somewhere
goes elsewhere, as long as another server is in service: a server that fails quickly has room
soonest, and would draw all that fails.
"""

import asyncio
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from lauter.datasets.errors import LauterError
from lauter.teacher.step_audio.member import Member, Visit


class UnservedError(LauterError):
    """There was no server in service for as long as one waits for it."""


@dataclass(frozen=True, slots=True, eq=False)
class Seat:
    """A server that has taken a request in, and since when."""

    member: Member
    visit: Visit


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    seat: asyncio.Future[Seat]
    failures: Mapping[str, int]
    tokens: int


def choose(
    members: Sequence[Member],
    failures: Mapping[str, int],
    now: float,
    without: Collection[Member] = (),
) -> Member | None:
    """Return the server for a request, None where none has room.

    ``failures`` counts, by address, how often the request failed there.
    """
    serving = [one for one in members if one.is_in_service(now) and one not in without]
    fewest = min((failures.get(one.url, 0) for one in serving), default=0)
    free = [one for one in serving if failures.get(one.url, 0) == fewest and one.has_room(now)]
    paces = {one: one.pace_s(now) for one in free}
    # Whoever is not known is taken for the quickest, and so becomes known.
    quickest = min((pace for pace in paces.values() if pace is not None), default=1.0)
    return min(free, key=lambda one: one.load(paces[one] or quickest), default=None)


class Roster:
    """All servers and all waiting requests; lives in one event loop."""

    def __init__(self, members: Sequence[Member], unserved_s: float) -> None:
        self.members = members
        self._unserved_s = unserved_s
        self._loop = asyncio.get_running_loop()
        self._served_at = self._loop.time()
        self._waiting: deque[_Waiting] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def seat(self, failures: Mapping[str, int], tokens: int) -> Seat:
        """Wait for a server to take a request of so many tokens.

        Raises ``UnservedError`` where there is none in service for too long.
        """
        waiting = _Waiting(self._loop.create_future(), failures, tokens)
        self._waiting.append(waiting)
        self.settle()
        try:
            return await waiting.seat
        except asyncio.CancelledError:
            # It may have been given in the same moment.
            if (
                waiting.seat.done()
                and not waiting.seat.cancelled()
                and not waiting.seat.exception()
            ):
                self.leave(waiting.seat.result(), 0)
            raise

    def spare(
        self, failures: Mapping[str, int], tokens: int, without: Collection[Member]
    ) -> Seat | None:
        """Return a seat at another server that has room now, None where none has."""
        member = choose(self.members, failures, self._loop.time(), without)
        return self._taken(member, tokens) if member else None

    def leave(self, seat: Seat, used: int) -> float:
        """Give a seat back after so many tokens; returns the device time in seconds."""
        device_s = seat.member.leave(seat.visit, used, self._loop.time())
        self.settle()
        return device_s

    def settle(self) -> None:
        """Seat whoever can be seated: call it whenever a server changed."""
        now = self._loop.time()
        if any(one.is_in_service(now) or one.in_flight for one in self.members):
            self._served_at = now
        passed_over = deque[_Waiting]()
        while self._waiting and any(
            one.is_in_service(now) and one.has_room(now) for one in self.members
        ):
            waiting = self._waiting.popleft()
            if waiting.seat.done():
                continue
            member = choose(self.members, waiting.failures, now)
            if member:
                waiting.seat.set_result(self._taken(member, waiting.tokens))
            else:
                passed_over.append(waiting)
        self._waiting = passed_over + self._waiting
        if self._waiting and now >= self._served_at + self._unserved_s:
            self._give_up()
        self._wake_up(now)

    def _taken(self, member: Member, tokens: int) -> Seat:
        return Seat(member, member.enter(tokens, self._loop.time()))

    def _give_up(self) -> None:
        known = "; ".join(f"{one.url}: {one.state(self._loop.time())}" for one in self.members)
        for waiting in self._waiting:
            if not waiting.seat.done():
                waiting.seat.set_exception(
                    UnservedError(
                        f"no server could be asked for {self._unserved_s:g} s ({known}); "
                        "start one, or give other addresses"
                    )
                )
        self._waiting.clear()

    def _wake_up(self, now: float) -> None:
        """Come back when time alone may have changed something."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if not self._waiting:
            return
        changes = [one.next_change() for one in self.members]
        changes.append(self._served_at + self._unserved_s)
        later = [change for change in changes if change > now]
        if later:
            self._timer = self._loop.call_at(min(later), self.settle)

    def close(self) -> None:
        """Forget the timer."""
        if self._timer:
            self._timer.cancel()
