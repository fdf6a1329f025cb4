"""A node of a stage in the simulation: it takes a parcel, works, hands it on, and may be lost."""

import math
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
import simpy

from lauter.pipelines.scaling.parcel import Parcel
from lauter.pipelines.scaling.stages import PlannedStage
from lauter.pipelines.scaling.tally import Doing, StageTally

Process = Generator[simpy.Event, Any, None]


@dataclass(eq=False)
class Node:
    """``devices`` of a stage, between the queue before it and the one behind it."""

    stage: PlannedStage
    devices: int
    environment: simpy.Environment
    chance: np.random.Generator
    tally: StageTally
    before: simpy.Store
    behind: simpy.Store
    _doing: Doing | None = field(default=None, init=False)

    def lives(self) -> Process:
        """Load, work until lost, be replaced, and so on."""
        self._switch(Doing.DOWN)
        while True:
            yield self.environment.timeout(self.stage.load_s)
            yield from self._life()
            self.tally.losses += 1
            self._switch(Doing.DOWN)
            yield self.environment.timeout(self.stage.replace_s)

    def _life(self) -> Process:
        """Work until the end, whatever the node is doing then."""
        stage, clock = self.stage, self.environment
        slowdown = stage.slowdown if self.chance.random() < stage.slow_share else 1.0
        rate = stage.losses_per_hour / 3600
        lasts_s = self.chance.exponential(1 / rate) if rate else math.inf
        ends_at = clock.now + lasts_s
        end = clock.timeout(lasts_s) if rate else None
        while True:
            taken = self.before.get()
            if not taken.triggered:
                self._switch(Doing.WAITING)
                yield taken | end if end else taken
                if not taken.triggered:
                    taken.cancel()
                    return
            parcel = cast(Parcel, taken.value)
            seconds = self._draw_seconds(parcel) * slowdown
            worked_s = min(seconds, ends_at - clock.now)
            self._switch(Doing.WORKING)
            yield clock.timeout(worked_s)
            if worked_s < seconds:
                batches = int(worked_s / seconds * parcel.requests / stage.batch)
                self._lose(parcel, batches * stage.batch, seconds, worked_s)
                return
            handed = self.behind.put(self._answered(parcel))
            if not handed.triggered:
                self._switch(Doing.BLOCKED)
                yield handed | end if end else handed
                if not handed.triggered:
                    handed.cancel()
                    self._lose(parcel, parcel.requests - stage.batch, seconds, seconds)
                    return

    def _draw_seconds(self, parcel: Parcel) -> float:
        """Return the time that this node will take for a parcel."""
        stage = self.stage
        asked = again = self._drawn(parcel.requests, stage.share)
        for _ in range(stage.attempts - 1):
            again = self._drawn(again, stage.invalid_share)
            asked += again
        if not asked:
            return 0.0
        seconds = stage.device_seconds(asked, parcel.speech_s * asked / parcel.requests)
        if stage.spread:
            shape = asked / stage.spread**2
            seconds *= self.chance.gamma(shape, 1 / shape)
        return seconds / min(self.devices, asked)

    def _answered(self, parcel: Parcel) -> Parcel:
        """Return the parcel after this stage: some requests have used up their attempts."""
        failed = self._drawn(parcel.requests, self.stage.invalid_share**self.stage.attempts)
        if not failed:
            return parcel
        alive, _ = parcel.divided(parcel.requests - failed)
        return replace(alive, failed=alive.failed + failed)

    def _drawn(self, requests: int, share: float) -> int:
        """Return how many of the requests are of a kind that has this share."""
        if share in (0, 1):
            return int(requests * share)
        return int(self.chance.binomial(requests, share))

    def _lose(self, parcel: Parcel, done: int, seconds: float, worked_s: float) -> None:
        """Hand on what was done of a parcel when the node was lost, and put the rest back.

        The node is gone, and so nobody waits where there is no room yet.
        """
        if done > 0:
            finished, parcel = parcel.divided(done)
            self.behind.put(self._answered(finished))
            worked_s -= seconds * done / (done + parcel.requests)
        self.before.put(parcel)
        self.tally.redone_s += worked_s * self.devices

    def _switch(self, doing: Doing) -> None:
        self.tally.switch(self.devices, self._doing, doing, self.environment.now)
        self._doing = doing
