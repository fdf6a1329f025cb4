"""Whether the pools of a pipeline have room on the nodes of a cluster.

Ray waits without end for what no node has, so this is asked before a run. It places the fewest
workers that each pool may have, those first that the fewest nodes can take, each where it leaves
the least room. Packing is hard in general; this finds a place for all but contrived pools.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

from lauter.datasets.errors import UsageError
from lauter.pipelines.stage import Resources, Stage

Amounts = Mapping[str, float]
"""Amounts by resource: CPU, GPU, and names that a cluster gives its own."""

_ROUNDING = 1e-6


def needs_of(resources: Resources) -> dict[str, float]:
    """Return what one worker takes of a node."""
    needs = {"CPU": resources.num_cpus, "GPU": resources.num_gpus, **resources.custom_resources}
    return {name: amount for name, amount in needs.items() if amount > 0}


def check_placement(stages: Sequence[Stage], nodes: Sequence[Amounts], *, local: bool) -> None:
    """Raise ``UsageError`` where a worker fits on no node, or the pools do not fit together.

    ``nodes`` are what each node has when it is empty. ``local``: a Ray of one node that the
    engine started, whose CPUs are a setting.
    """
    workers = [
        (needs_of(stage.resources), stage.name)
        for stage in stages
        for _ in range(stage.resources.concurrency)
    ]
    asked, had = _total([needs for needs, _ in workers]), _total(nodes)
    free = [dict(node) for node in nodes]
    for needs, name in sorted(workers, key=lambda worker: _takers(worker[0], nodes)):
        if not _takers(needs, nodes):
            raise UsageError(
                f"a worker of the stage '{name}' needs {_lacking(needs, nodes)}, which none of "
                f"Ray's nodes has (there are {len(nodes)}); {_remedy(local, needs, had)}, or set "
                "engine.autoscaling=true where the cluster adds nodes by itself"
            )
        fitting = [node for node in free if _fits(needs, node)]
        if not fitting:
            short = max(needs, key=lambda each: asked[each] - had[each])
            pools = " and ".join(stage.name for stage in stages)
            raise UsageError(
                f"the pools of {pools} ask for {asked[short]:g} of Ray's {had[short]:g} {short}, "
                f"which leaves a worker of '{name}' no room; {_remedy(local, asked, had)}"
            )
        tightest = min(fitting, key=lambda node: _left(needs, node))
        for each, amount in needs.items():
            tightest[each] -= amount


def _remedy(local: bool, asked: Amounts, had: Amounts) -> str:
    if local and all(amount <= had[name] for name, amount in asked.items() if name != "CPU"):
        return f"make the pools smaller or set engine.num_cpus={math.ceil(asked['CPU'])}"
    return "ask for less or add nodes"


def _lacking(needs: Amounts, nodes: Sequence[Amounts]) -> str:
    """Return in words what no node has, or has not together with the rest."""
    alone = {name: amount for name, amount in needs.items() if not _takers({name: amount}, nodes)}
    return " and ".join(f"{amount:g} {name}" for name, amount in (alone or needs).items())


def _takers(needs: Amounts, nodes: Sequence[Amounts]) -> int:
    """Return how many nodes could take a worker if they were empty."""
    return sum(_fits(needs, node) for node in nodes)


def _fits(needs: Amounts, node: Amounts) -> bool:
    return all(node.get(name, 0) + _ROUNDING >= amount for name, amount in needs.items())


def _left(needs: Amounts, node: Amounts) -> float:
    return sum(amount - needs.get(name, 0) for name, amount in node.items())


def _total(amounts: Sequence[Amounts]) -> defaultdict[str, float]:
    total: defaultdict[str, float] = defaultdict(float)
    for each in amounts:
        for name, amount in each.items():
            total[name] += amount
    return total
