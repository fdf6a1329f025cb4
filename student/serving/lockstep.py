"""One batch on many ranks: all do what rank 0 is asked to do, in the same order.

Each rank of a split model (``tensor_parallel.py``) has a batch of its own, which holds the keys and
values of its heads. Before each step rank 0 tells the others which tasks came and which were
cancelled; rows join and leave by rules that know nothing but these, so the batches stay alike. The
ids are drawn by rank 0 alone: rounding, which may differ from one card to the next, cannot part
the ranks.

What is told goes through the host's memory and waits there as long as it takes: a rank without work
costs nothing. A rank that dies makes the others' next exchange fail.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final, Never

import torch
import torch.distributed as dist
from torch._C._distributed_c10d import Store, TCPStore  # where its types are

from lauter.student.model import SpeechModel
from lauter.student.serving.batching import Batching, Said, Task

IDLE: Final = timedelta(days=365)
"""How long ranks wait for each other: while nothing is asked there is nothing to tell."""
_HOST: Final = torch.device("cpu")


def open_store(host: str) -> TCPStore:
    """Return a store where ranks meet, on a free port of this machine, whose address is ``host``.

    It lives in this process, and is to be kept as long as the group.
    """
    return TCPStore(host, 0, is_master=True, wait_for_workers=False, timeout=IDLE)


def join_group(store: Store, rank: int, ranks: int, device: str) -> dist.ProcessGroup:
    """Return the group of ranks that meet at a store; waits until all have come.

    It is this process's default group, and the only one that it can have.
    """
    # What rank 0 tells goes over gloo, whatever carries the tensors.
    backend = "cpu:gloo,cuda:nccl" if device.startswith("cuda") else "gloo"
    dist.init_process_group(backend, store=store, rank=rank, world_size=ranks, timeout=IDLE)
    group = dist.group.WORLD
    assert group is not None
    return group


class Lockstep(Batching):
    """A rank's batch: rank 0 adds, cancels and steps as in any other, and the others follow."""

    def __init__(
        self, model: SpeechModel, group: dist.ProcessGroup, *, rows: int, prefill_ids: int = 2048
    ) -> None:
        super().__init__(model, rows=rows, prefill_ids=prefill_ids)
        self._group = group
        self._leads = group.rank() == 0
        self._news: list[Task | str] = []

    def add(self, task: Task) -> None:
        """Let a task wait for a place; raises as ``check`` does."""
        super().add(task)
        # Only rank 0 is asked for the likeliest ids.
        self._news.append(replace(task, top=0))

    def cancel(self, key: str) -> bool:
        """Forget a task and free its place; returns whether it was there."""
        self._news.append(key)
        return super().cancel(key)

    def step(self) -> list[Said]:
        """Let newcomers join and give every row one id, on all ranks."""
        if self._leads:
            self._tell(self._news)
            self._news = []
        return super().step()

    def follow(self) -> Never:
        """Do what rank 0 does, for ever; for all ranks but 0. Raises when another rank is gone."""
        while True:
            for one in self._heard():
                if isinstance(one, Task):
                    super().add(one)
                else:
                    super().cancel(one)
            self.step()

    def _draw(self) -> list[int]:
        drawn = torch.tensor(super()._draw() if self._leads else [0] * self.live)
        dist.broadcast(drawn, group=self._group, group_src=0)
        ids: list[int] = drawn.tolist()
        return ids

    def _tell(self, news: Sequence[Task | str]) -> None:
        dist.broadcast_object_list([news], group=self._group, group_src=0, device=_HOST)

    def _heard(self) -> Sequence[Task | str]:
        news: list[Sequence[Task | str]] = [()]
        dist.broadcast_object_list(news, group=self._group, group_src=0, device=_HOST)
        return news[0]
