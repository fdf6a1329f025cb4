"""What a simulation counts, and what came of a stretch of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lauter.pipelines.scaling.parcel import Parcel


class Doing(StrEnum):
    """What a node does with its time."""

    WORKING = "working"
    WAITING = "waiting"
    """for something to do"""
    BLOCKED = "blocked"
    """as what it has done finds no room"""
    DOWN = "down"
    """lost and not yet replaced, or loading"""


@dataclass(frozen=True)
class StageOutcome:
    """A stage over a stretch of time.

    ``time`` is the share of its devices' time by what they do; work that was lost with its node
    is within ``working``, and ``redone`` is its share of all time.
    """

    time: Mapping[Doing, float]
    losses: int
    redone: float


@dataclass(frozen=True)
class Outcome:
    """What came out in ``seconds``: requests kept in the corpus and the seconds of their speech.

    ``failed`` requests used up their attempts. ``in_system`` is the mean number of requests
    between their entry and the corpus, ``sojourn_s`` how long one took on average.
    """

    seconds: float
    kept: int
    failed: int
    speech_s: float
    accepted: int
    accepted_s: float
    in_system: float
    sojourn_s: float
    stages: Mapping[str, StageOutcome]

    @property
    def requests_per_second(self) -> float:
        """Requests that came out, failed ones too, over the time."""
        return (self.kept + self.failed) / self.seconds

    @property
    def binds(self) -> str:
        """The stage that is least often without work or room."""
        return max(self.stages, key=lambda name: self.stages[name].time[Doing.WORKING])


@dataclass
class StageTally:
    """A stage's devices: how many do what, and for how many device seconds they did it."""

    devices: int
    now_doing: dict[Doing, int] = field(default_factory=lambda: dict.fromkeys(Doing, 0))
    seconds: dict[Doing, float] = field(default_factory=lambda: dict.fromkeys(Doing, 0.0))
    since: float = 0.0
    losses: int = 0
    redone_s: float = 0.0

    def switch(self, devices: int, before: Doing | None, after: Doing, now: float) -> None:
        """Let so many devices do something else from ``now`` on."""
        self.settle(now)
        if before is not None:
            self.now_doing[before] -= devices
        self.now_doing[after] += devices

    def settle(self, now: float) -> None:
        """Add up to ``now``."""
        passed = now - self.since
        if passed:
            for doing, devices in self.now_doing.items():
                self.seconds[doing] += devices * passed
            self.since = now


@dataclass
class Tally:
    """All counts of a simulation from its beginning on."""

    stages: dict[str, StageTally]
    entered: int = 0
    kept: int = 0
    failed: int = 0
    speech_s: float = 0.0
    accepted: int = 0
    accepted_s: float = 0.0
    sojourn_s: float = 0.0
    presence_s: float = 0.0
    """Requests in the system times seconds."""
    since: float = 0.0

    @property
    def present(self) -> int:
        """Requests in the system."""
        return self.entered - self.kept - self.failed

    def enter(self, parcel: Parcel, now: float) -> None:
        """Count what comes in."""
        self._wait_until(now)
        self.entered += parcel.count

    def leave(self, parcel: Parcel, accepted: int, now: float) -> None:
        """Count what has come through."""
        self._wait_until(now)
        self.kept += parcel.requests
        self.failed += parcel.failed
        self.speech_s += parcel.speech_s
        self.accepted += accepted
        self.accepted_s += parcel.speech_s * accepted / max(parcel.requests, 1)
        self.sojourn_s += parcel.count * (now - parcel.entered_s)

    def settle(self, now: float) -> None:
        """Add up to ``now``."""
        self._wait_until(now)
        for stage in self.stages.values():
            stage.settle(now)

    def _wait_until(self, now: float) -> None:
        self.presence_s += self.present * (now - self.since)
        self.since = now


def between(before: Tally, after: Tally) -> Outcome:
    """Return what came between two settled tallies of one simulation."""
    seconds = after.since - before.since
    out = after.kept + after.failed - before.kept - before.failed
    stages = {}
    for name, end in after.stages.items():
        start = before.stages[name]
        total = seconds * end.devices or 1.0
        stages[name] = StageOutcome(
            time={one: (end.seconds[one] - start.seconds[one]) / total for one in Doing},
            losses=end.losses - start.losses,
            redone=(end.redone_s - start.redone_s) / total,
        )
    return Outcome(
        seconds=seconds,
        kept=after.kept - before.kept,
        failed=after.failed - before.failed,
        speech_s=after.speech_s - before.speech_s,
        accepted=after.accepted - before.accepted,
        accepted_s=after.accepted_s - before.accepted_s,
        in_system=(after.presence_s - before.presence_s) / (seconds or 1.0),
        sojourn_s=(after.sojourn_s - before.sojourn_s) / (out or 1),
        stages=stages,
    )
