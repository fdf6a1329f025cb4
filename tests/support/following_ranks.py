"""The ranks above 0 of a split model, each in a process; rank 0 is whoever asks for them."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch
import torch.distributed as dist

from lauter.student.serving.lockstep import Lockstep, join_group, open_store
from lauter.student.serving.tensor_parallel import load_split_model

ROWS = 3
PREFILL_IDS = 60
DTYPE = torch.float64
"""Where two ways of adding up differ in the last digit of 32 bits, one draw in some hundred from a
model that was never trained, whose ids are all about as likely, falls on another id."""


@contextmanager
def led_ranks(folder: Path, ranks: int) -> Iterator[tuple[Lockstep, list[BaseProcess]]]:
    """Give the batch of rank 0, in this process, and the processes of the others."""
    store = open_store("127.0.0.1")
    context = multiprocessing.get_context("spawn")
    others = [
        context.Process(target=_follow, args=(folder, store.port, rank, ranks), daemon=True)
        for rank in range(1, ranks)
    ]
    for other in others:
        other.start()
    try:
        yield _joined(folder, store, 0, ranks), others
    finally:
        for other in others:
            other.kill()
            other.join()
        dist.destroy_process_group()


def _follow(folder: Path, port: int, rank: int, ranks: int) -> None:
    store = dist.TCPStore("127.0.0.1", port)
    _joined(folder, store, rank, ranks).follow()


def _joined(folder: Path, store: dist.Store, rank: int, ranks: int) -> Lockstep:
    group = join_group(store, rank, ranks, "cpu")
    return Lockstep(
        load_split_model(folder, group, dtype=DTYPE), group, rows=ROWS, prefill_ids=PREFILL_IDS
    )
