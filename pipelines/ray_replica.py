"""A replica of a checkpoint on Ray: its place, its ranks, and its end."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lauter.datasets.errors import UsageError
from lauter.pipelines.checkpoint_run import CheckpointRun
from lauter.pipelines.completing import Answer
from lauter.pipelines.ray_places import named_group, placed
from lauter.pipelines.ray_ranks import Follower, Leader
from lauter.teacher.step_audio.completion import CompletionRequest


@dataclass(frozen=True, slots=True)
class Needs:
    """How many ranks a replica has, and what each of them takes of a node."""

    ranks: int
    num_cpus: float
    num_gpus: float
    custom_resources: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise ``UsageError`` where there is no rank, or nothing that it takes."""
        if self.ranks < 1:
            raise UsageError(f"tensor_parallel is {self.ranks}; set 1 or more")
        if (
            min(self.num_cpus, self.num_gpus, *self.custom_resources.values()) < 0
            or not self.bundle
        ):
            raise UsageError(
                "each rank must take something of a node, and nothing below zero: set num_gpus, "
                "num_cpus or custom_resources"
            )

    @property
    def bundle(self) -> dict[str, float]:
        """Amounts by resource, without those that are zero."""
        wanted = {"CPU": self.num_cpus, "GPU": self.num_gpus, **self.custom_resources}
        return {name: amount for name, amount in wanted.items() if amount}

    def __str__(self) -> str:
        each = " and ".join(f"{amount:g} {name}" for name, amount in self.bundle.items())
        return each if self.ranks == 1 else f"{self.ranks} times {each}"

    def check_room(self, nodes: Sequence[Mapping[str, float]]) -> None:
        """Raise ``UsageError`` where a replica has no room on these nodes, were they empty."""
        places = sum(
            min(int(node.get(name, 0) / amount + 1e-6) for name, amount in self.bundle.items())
            for node in nodes
        )
        if places < self.ranks:
            raise UsageError(
                f"a replica needs {self}, and Ray's nodes (there are {len(nodes)}) have room for "
                f"{places} of its {self.ranks} ranks; ask for less, add nodes, or set "
                "teacher.completer.autoscaling=true where the cluster adds nodes by itself"
            )


@dataclass(frozen=True, slots=True)
class ColdStart:
    """How long it took until a replica could answer, in seconds.

    ``placed_s`` until there was room for it; ``loaded_s`` from then on, until its processes had
    begun, met and loaded their weights.
    """

    placed_s: float
    loaded_s: float


class Replica:
    """The ranks of one replica; ``start`` makes one, and ``close`` gives back its place.

    ``in_flight`` is for whoever deals requests out; ``nodes`` are the ids of those where it is.
    """

    def __init__(self, name: str, group: Any) -> None:
        self.in_flight = 0
        self.cold_start = ColdStart(0.0, 0.0)
        self.nodes: tuple[str, ...] = ()
        self._name = name
        self._group = group
        self._actors: list[Any] = []
        self._lives: list[asyncio.Future[Any]] = []
        self._is_broken = asyncio.Event()

    @classmethod
    async def start(cls, run: CheckpointRun, needs: Needs) -> "Replica":
        """Return a replica that can answer; waits for a place as long as it takes.

        Raises what went wrong in one of its ranks.
        """
        import ray

        begun = time.perf_counter()
        replica = cls(*named_group(needs.bundle, needs.ranks))
        try:
            leader = replica._actor(Leader, needs, run, needs.ranks)
            await placed(replica._group)
            had_place = time.perf_counter()
            await replica._load(leader, run, needs)
        except BaseException:
            replica.close()
            raise
        replica.cold_start = ColdStart(had_place - begun, time.perf_counter() - had_place)
        described = ray.util.placement_group_table(replica._group)
        replica.nodes = tuple(sorted(set(described["bundles_to_node_id"].values())))
        return replica

    @property
    def is_sound(self) -> bool:
        """Whether nothing is known to be wrong with it."""
        return not (self._is_broken.is_set() or any(life.done() for life in self._lives))

    async def _load(self, leader: Any, run: CheckpointRun, needs: Needs) -> None:
        self._lives.append(_future(leader.live.remote()))
        if needs.ranks > 1:
            address = await self._while_alive(leader.open_store.remote())
            for rank in range(1, needs.ranks):
                follower = self._actor(Follower, needs, run, rank, needs.ranks)
                self._lives.append(_future(follower.follow.remote(*address)))
        await self._while_alive(leader.load.remote())

    def _actor(self, kind: type, needs: Needs, *arguments: Any) -> Any:
        """Return a new actor in the next bundle of the place; the first one bears its name."""
        import ray
        from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

        strategy = PlacementGroupSchedulingStrategy(
            self._group, placement_group_bundle_index=len(self._actors)
        )
        actor = (
            ray.remote(kind)
            .options(
                name=None if self._actors else self._name,
                num_cpus=needs.num_cpus,
                num_gpus=needs.num_gpus,
                resources=dict(needs.custom_resources),
                scheduling_strategy=strategy,
            )
            .remote(*arguments)
        )
        self._actors.append(actor)
        return actor

    async def _while_alive(self, reference: Any) -> Any:
        """Return what comes of a call; raises what ended one of the ranks meanwhile."""
        called = _future(reference)
        await asyncio.wait([called, *self._lives], return_when=asyncio.FIRST_COMPLETED)
        for life in self._lives:
            if life.done():
                called.cancel()
                life.result()
        return called.result()

    async def complete(self, request: CompletionRequest) -> Answer | str:
        """Return the answer or the refusal; raises where the replica is broken."""
        import ray

        reference = self._actors[0].complete.remote(request)
        try:
            answer: Answer | str = await reference
        except asyncio.CancelledError:
            ray.cancel(reference)
            raise
        except Exception:
            self._is_broken.set()
            raise
        return answer

    async def end(self) -> None:
        """Return when a rank is gone, or an answer failed."""
        broken = asyncio.ensure_future(self._is_broken.wait())
        try:
            await asyncio.wait([broken, *self._lives], return_when=asyncio.FIRST_COMPLETED)
        finally:
            broken.cancel()

    def close(self) -> None:
        """End the ranks, and give their place back."""
        import ray

        for life in self._lives:
            # Looked at, so that nobody complains that nobody did.
            life.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        for actor in self._actors:
            ray.kill(actor)
        ray.util.remove_placement_group(self._group)


def _future(reference: Any) -> "asyncio.Future[Any]":
    return asyncio.wrap_future(reference.future())
