"""The simulation: parcels of requests go from stage to stage, wait, are lost and done again.

Discrete events by simpy. Each node is a process that takes a parcel, works, and hands it on; the
queue before a stage is bounded, and who finds it full waits with what it has (back-pressure). A
node lives for an exponentially distributed time. When it is lost, whole batches of its parcel are
done and the rest goes back into the queue, so at most one batch a node is done twice, whatever the
size of a parcel: a parcel may hold many batches, which makes large plans quick to simulate, and a
loss costs the same. (Continuous batching hands on single requests and loses those in hand, half
done on average; of whole batches half of one is lost on average: the same.)
"""

from collections.abc import Generator, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import simpy

from lauter.pipelines.scaling.node import Node
from lauter.pipelines.scaling.parcel import Parcel
from lauter.pipelines.scaling.speech_load import SpeechLoad
from lauter.pipelines.scaling.stages import PlannedStage
from lauter.pipelines.scaling.tally import Outcome, StageTally, Tally, between


def simulate_window(
    stages: Sequence[PlannedStage],
    load: SpeechLoad,
    *,
    parcel: int,
    warm_up_s: float,
    window_s: float,
    seed: int,
) -> Outcome:
    """Return what comes out in a window after the warm-up, of a source that never runs dry."""
    flow = _Flow(stages, load, parcel=parcel, requests=None, seed=seed)
    flow.run(until=warm_up_s)
    before = deepcopy(flow.tally)
    flow.run(until=warm_up_s + window_s)
    return between(before, flow.tally)


def simulate_all(
    stages: Sequence[PlannedStage], load: SpeechLoad, *, parcel: int, requests: int, seed: int
) -> Outcome:
    """Return what comes of so many requests, from the start of the nodes to the last commit."""
    flow = _Flow(stages, load, parcel=parcel, requests=requests, seed=seed)
    before = deepcopy(flow.tally)
    flow.run(until=None)
    return between(before, flow.tally)


class _Flow:
    """One simulation: the source, the nodes with the queues between them, and the tally."""

    def __init__(
        self,
        stages: Sequence[PlannedStage],
        load: SpeechLoad,
        *,
        parcel: int,
        requests: int | None,
        seed: int,
    ) -> None:
        self.tally = Tally({stage.name: StageTally(stage.devices) for stage in stages})
        self._environment = environment = simpy.Environment()
        self._load = load
        self._chance = np.random.default_rng(seed)
        self._requests = requests
        self._all_out = environment.event()
        # Behind the last stage there is always room.
        queues = [simpy.Store(environment, stage.queue * stage.nodes) for stage in stages]
        queues.append(simpy.Store(environment))
        environment.process(self._source(queues[0], parcel))
        for stage, before, behind in zip(stages, queues, queues[1:], strict=False):
            for number in range(stage.nodes):
                node = Node(
                    stage,
                    stage.devices_of(number),
                    environment,
                    self._chance,
                    self.tally.stages[stage.name],
                    before,
                    behind,
                )
                environment.process(node.lives())
        environment.process(self._corpus(queues[-1]))

    def run(self, until: float | None) -> None:
        """Let time pass up to a moment, or until every request is out."""
        self._environment.run(self._all_out if until is None else until)
        self.tally.settle(self._environment.now)

    def _source(self, queue: simpy.Store, parcel: int) -> Generator[simpy.Event, Any, None]:
        while self._requests is None or self.tally.entered < self._requests:
            left = parcel if self._requests is None else self._requests - self.tally.entered
            count = min(parcel, left)
            entering = Parcel(count, self._load.draw(count, self._chance), self._environment.now)
            self.tally.enter(entering, self._environment.now)
            yield queue.put(entering)

    def _corpus(self, queue: simpy.Store) -> Generator[simpy.Event, Any, None]:
        while self._requests is None or self.tally.kept + self.tally.failed < self._requests:
            parcel: Parcel = yield queue.get()
            accepted = int(self._chance.binomial(parcel.requests, self._load.accepted_share))
            self.tally.leave(parcel, accepted, self._environment.now)
        self._all_out.succeed()
