"""What runs inside Ray for one replica of a checkpoint: an actor for each of its ranks.

The ranks of a replica meet at a store of rank 0, which alone takes requests. An actor that dies
makes the others fail at their next exchange; whoever started them ends them all.
"""

import asyncio
from dataclasses import replace
from typing import Never

from torch._C._distributed_c10d import Store, TCPStore  # where its types are

from lauter.datasets.errors import UsageError
from lauter.pipelines.checkpoint_run import CheckpointRun
from lauter.pipelines.completing import NO_QUEUE_IS_TOO_LONG, Answer, Asked
from lauter.student.checkpoint import load_model
from lauter.student.serving.batching import Batching
from lauter.student.serving.engine import Engine
from lauter.student.serving.lockstep import IDLE, Lockstep, join_group, open_store
from lauter.student.serving.tensor_parallel import load_split_model
from lauter.teacher.step_audio.completion import CompletionRequest


class Leader:
    """Rank 0: an actor with an event loop, so that as many may ask as like to."""

    def __init__(self, run: CheckpointRun, ranks: int) -> None:
        self._run = run
        self._ranks = ranks
        self._store: TCPStore | None = None
        self._engine: Engine | None = None

    def open_store(self) -> tuple[str, int]:
        """Return the address and port of a store where the ranks meet."""
        import ray

        self._store = open_store(ray.util.get_node_ip_address())
        return self._store.host, self._store.port

    def load(self) -> None:
        """Load this rank's part, once ``open_store`` was called where there are others.

        Raises ``UsageError`` where the checkpoint cannot be loaded.
        """
        run = self._run
        if self._store is None:
            run.check_device()
            model, _ = load_model(run.folder, device=run.device, dtype=run.torch_dtype)
            batching = Batching(model, rows=run.rows, prefill_ids=run.prefill_ids)
        else:
            batching = _joined(run, self._store, 0, self._ranks)
        self._engine = Engine(batching, most_waiting=NO_QUEUE_IS_TOO_LONG)

    async def complete(self, request: CompletionRequest) -> Answer | str:
        """Return the answer, or why the model cannot take the request.

        Raises what is no fault of the request. Whoever cancels this frees the row.
        """
        assert self._engine is not None
        try:
            asked = Asked(self._engine, request, self._run.sampling)
        except UsageError as error:
            return str(error)
        try:
            # Shielded: the engine may be about to answer.
            answer = await asyncio.shield(asyncio.wrap_future(asked.answer))
        finally:
            asked.forget()
        # While this rank was at work, so were the others.
        return replace(answer, device_s=answer.device_s * self._ranks)

    async def live(self) -> None:
        """Never return: whoever waits for it hears when this process is gone."""
        await asyncio.Event().wait()


class Follower:
    """A rank above 0, which does what rank 0 does."""

    def __init__(self, run: CheckpointRun, rank: int, ranks: int) -> None:
        self._run = run
        self._rank = rank
        self._ranks = ranks

    def follow(self, host: str, port: int) -> Never:
        """Meet the others, load this rank's part and work; raises as ``Leader.load`` does."""
        store = TCPStore(host, port, timeout=IDLE)
        _joined(self._run, store, self._rank, self._ranks).follow()


def _joined(run: CheckpointRun, store: Store, rank: int, ranks: int) -> Lockstep:
    run.check_device()
    group = join_group(store, rank, ranks, run.device)
    model = load_split_model(run.folder, group, device=run.device, dtype=run.torch_dtype)
    return Lockstep(model, group, rows=run.rows, prefill_ids=run.prefill_ids)
