"""The one place in a job of Ray's where a set of replicas is looked after: an actor with a name.

Whoever opens the same completer in the same job asks the same replicas, so that they are loaded
once: by however many workers, and for as many pipelines as are run while their keeper lives.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from lauter.pipelines.ray_dispatch import Dispatch, Standing
from lauter.teacher.step_audio.completion import Completed, CompletionError, CompletionRequest

_MOST_CALLS: Final = 10_000
"""More at a time would wait outside, where nobody sees them."""


class Host:
    """An actor with an event loop, in which ``begin`` starts replicas for the first request."""

    def __init__(self, begin: Callable[[], Dispatch]) -> None:
        self._begin = begin
        self._dispatch: Dispatch | None = None

    async def complete(
        self, requests: Sequence[CompletionRequest]
    ) -> list[Completed | CompletionError]:
        """Return, in order, what came of each request."""
        if self._dispatch is None:
            self._dispatch = self._begin()
        return await self._dispatch.complete(requests)

    async def standings(self) -> tuple[Standing, ...]:
        """Return how each replica is doing; none before the first request."""
        return await self._dispatch.standings() if self._dispatch else ()

    async def close(self) -> None:
        """End all replicas and give their places back; who still waits for an answer gets none."""
        if self._dispatch:
            await self._dispatch.close()


def find_host(name: str) -> Any | None:
    """Return the handle of the host of that name in this job, None where there is none."""
    import ray

    try:
        return ray.get_actor(_in_this_job(name))
    except ValueError:
        return None


def open_host(name: str, begin: Callable[[], Dispatch]) -> Any:
    """Return the handle of a host of that name, which dies with this process, on this node.

    Raises ``ValueError`` where the job has one of that name.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return (
        ray.remote(Host)
        .options(
            name=_in_this_job(name),
            num_cpus=0,
            max_restarts=-1,
            max_concurrency=_MOST_CALLS,
            scheduling_strategy=here,
        )
        .remote(begin)
    )


def _in_this_job(name: str) -> str:
    import ray

    return f"lauter-host-{ray.get_runtime_context().get_job_id()}-{name}"
