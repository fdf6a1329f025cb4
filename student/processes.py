"""The processes of a run: how each finds the others, and how they are asked to stop."""

import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import torch
import torch.distributed as dist

from lauter.datasets.corpus_lock import single_writer
from lauter.datasets.errors import LauterError

PATIENCE: Final = timedelta(hours=4)
"""How long ranks wait for one that lets the student speak."""

DYING_S: Final = 5.0
"""How long a run waits for the processes of one before it that are being ended."""


def open_process_group(threads: int = 0) -> torch.device:
    """Join the processes that the launcher started, or be the only one; return this one's device.

    A group that is there already (Ray Train makes one) is used as it is. ``threads`` are those of
    this process on a CPU, 0 for PyTorch's choice.
    """
    # DeepSpeed calls what PyTorch will rename, thousands of times.
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"torch\.distributed")
    if threads:
        torch.set_num_threads(threads)
    local = int(os.environ.setdefault("LOCAL_RANK", "0"))
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(local % torch.cuda.device_count())
    if not dist.is_initialized():
        # Objects and the host's tensors go over gloo; one process alone needs no port.
        backend = "cpu:gloo,cuda:nccl" if cuda else "gloo"
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            dist.init_process_group(backend, timeout=PATIENCE)
        else:
            dist.init_process_group(
                backend,
                store=torch._C._distributed_c10d.HashStore(),
                rank=0,
                world_size=1,
                timeout=PATIENCE,
            )
    return torch.device("cuda", torch.cuda.current_device()) if cuda else torch.device("cpu")


def raise_together(error: Exception | None) -> None:
    """Raise on every rank what any of them met (all ranks call it, those without with None)."""
    met: list[Exception | None] = [None] * dist.get_world_size()
    dist.all_gather_object(met, error)
    for one in met:
        if one is not None:
            raise one


@contextmanager
def alone(output: Path) -> Iterator[None]:
    """Keep all other runs out of a run's folder (all ranks call it; rank 0 holds the lock).

    Raises ``UsageError`` where another one, perhaps left over from a killed launcher, trains there
    and does not end within ``DYING_S``.
    """
    refused = None
    with ExitStack() as held:
        if dist.get_rank() == 0:
            output.mkdir(parents=True, exist_ok=True)
            patience_ends = time.monotonic() + DYING_S
            while (refused := _locked(held, output)) and time.monotonic() < patience_ends:
                time.sleep(0.1)
        raise_together(refused)
        yield


def _locked(held: ExitStack, output: Path) -> LauterError | None:
    try:
        held.enter_context(single_writer(output, kind="run"))
    except LauterError as error:
        return error
    return None


@contextmanager
def stop_requests() -> Iterator[Callable[[], bool]]:
    """Catch Ctrl-C and SIGTERM; what is yielded tells whether one came.

    Outside of the main thread signals do not arrive, and nothing is caught.
    """
    came = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield came.is_set
        return
    before = {
        number: signal.signal(number, lambda *_: came.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield came.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
