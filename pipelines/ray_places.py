"""Places on Ray's nodes for the ranks of replicas, and those that nobody has any more.

Ray keeps a placement group for as long as the job of whoever made it, though the worker that made
it died with its node: the next worker's would wait for ever for what the first one's still holds.
So a group bears the name of the actor that is begun in it at once. A group of this job without an
actor of its name has lost its owner, and is given back by whoever looks for a place next.
"""

import asyncio
import itertools
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

LOOK_EVERY_S: Final = 2.0
"""While a group waits for its place, orphans are looked for so often."""

_NUMBERS = itertools.count()


def named_group(bundle: Mapping[str, float], count: int) -> tuple[str, Any]:
    """Return a new placement group of so many equal bundles, and the name that it bears.

    An actor of this name must be begun in it before anything is waited for.
    """
    import ray

    name = f"{_prefix()}{ray.get_runtime_context().get_worker_id()}-{next(_NUMBERS)}"
    return name, ray.util.placement_group([dict(bundle)] * count, strategy="PACK", name=name)


async def placed(group: Any) -> None:
    """Wait for the place of a group, as long as it takes."""
    ready = asyncio.wrap_future(group.ready().future())
    while not ready.done():
        free_orphans()
        await asyncio.wait([ready], timeout=LOOK_EVERY_S)
    ready.result()


def free_orphans() -> None:
    """Give back the places of this job whose owners are gone."""
    import ray

    for described in ray.util.placement_group_table().values():
        name = described["name"]
        if not name.startswith(_prefix()) or described["state"] == "REMOVED":
            continue
        try:
            ray.get_actor(name)
        except ValueError:
            with suppress(ValueError):  # somebody else was quicker
                ray.util.remove_placement_group(ray.util.get_placement_group(name))


def _prefix() -> str:
    import ray

    return f"lauter-replica-{ray.get_runtime_context().get_job_id()}-"
