"""A server's standing in a pool: who may be sent to it now, and what it has shown of late."""

import asyncio
from dataclasses import dataclass
from typing import Final

from lauter.datasets.errors import UsageError
from lauter.teacher.device_time import DeviceTime
from lauter.teacher.step_audio.breaker import Breaker
from lauter.teacher.step_audio.rate import Bucket
from lauter.teacher.step_audio.recent import Recent
from lauter.teacher.step_audio.server import Server

IN_SERVICE: Final = "in service"
_PACES_KEPT = 64
# A server that was slow a while ago is asked as if it were not, so that it is known again.
_PACE_COUNTS_S = 60.0


@dataclass(frozen=True, slots=True)
class Visit:
    """A request's stay at a server.

    ``part_s`` is what a request's part of the devices was when it came, ``tokens`` what was
    reserved for it, ``is_trial`` whether it shows if all is well again.
    """

    part_s: float
    tokens: int
    is_trial: bool


class Member:
    """One server among those of a pool; times are of the event loop's clock, in seconds."""

    def __init__(self, server: Server, breaker: Breaker, now: float) -> None:
        settings = server.settings
        self.server = server
        self.breaker = breaker
        self.time = DeviceTime(settings.devices, at=now)
        self._requests = _full(settings.requests_per_s, now)
        self._tokens = _full(settings.tokens_per_s, now)
        self.trouble: str | None = "not asked yet"
        """Why it cannot serve, None where it is up and known."""
        self.wrong: UsageError | None = None
        """The same, where it is up and another one than was meant."""
        self.is_draining = False
        self.rests_until = now
        self.is_idle = asyncio.Event()
        self.is_idle.set()
        self.paces = Recent(_PACES_KEPT)
        """Seconds per id of recent answers."""
        self._paced_at = now

    @property
    def url(self) -> str:
        """The address."""
        return self.server.settings.root

    @property
    def in_flight(self) -> int:
        """How many requests are there now."""
        return self.time.in_flight

    def pace_s(self, now: float) -> float | None:
        """Return the median seconds per id of late, None where none are known that still count."""
        if not len(self.paces) or now > self._paced_at + _PACE_COUNTS_S:
            return None
        return self.paces.at(0.5)

    def load(self, pace_s: float) -> float:
        """Return how full it is with one more request, weighted by its seconds per id."""
        return (self.in_flight + 1) / self.server.settings.max_in_flight * pace_s

    def saw_pace(self, pace_s: float, now: float) -> None:
        """Remember the seconds per id of an answer."""
        self.paces.add(pace_s)
        self._paced_at = now

    def state(self, now: float) -> str:
        """Return ``IN_SERVICE``: it takes requests, though maybe not at once; or why not."""
        if self.trouble is not None:
            return self.trouble
        if self.is_draining:
            return "draining"
        if now < self.rests_until:
            return "told to wait"
        return IN_SERVICE if self.breaker.allows(now) else "failed too often"

    def is_in_service(self, now: float) -> bool:
        """Say whether it takes requests."""
        return self.state(now) == IN_SERVICE

    def has_room(self, now: float) -> bool:
        """Say whether a request may be sent now, where it is in service."""
        return self.in_flight < self.server.settings.max_in_flight and now >= self._ready_at()

    def next_change(self) -> float:
        """Return when time alone may put it into service or make room."""
        return max(self.rests_until, self.breaker.open_until or 0.0, self._ready_at())

    def _ready_at(self) -> float:
        buckets = (self._requests, self._tokens)
        return max((bucket.ready_at for bucket in buckets if bucket), default=0.0)

    def enter(self, tokens: int, now: float) -> Visit:
        """Take in a request of so many tokens."""
        self.time = self.time.changed(1, now)
        self.is_idle.clear()
        visit = Visit(self.time.part_s, tokens, self.breaker.is_open)
        self.breaker = self.breaker.begun()
        self._requests = self._requests and self._requests.taken(1, now)
        self._tokens = self._tokens and self._tokens.taken(tokens, now)
        return visit

    def leave(self, visit: Visit, used: int, now: float) -> float:
        """Let a request go that used so many of its tokens; returns its device time in seconds."""
        self.time = self.time.changed(-1, now)
        if not self.in_flight:
            self.is_idle.set()
        if visit.is_trial:
            self.breaker = self.breaker.left()
        self._tokens = self._tokens and self._tokens.taken(used - visit.tokens, now)
        return self.time.part_s - visit.part_s


def _full(rate: float | None, now: float) -> Bucket | None:
    return None if rate is None else Bucket(rate, rate, now)
