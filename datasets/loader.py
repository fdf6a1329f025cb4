"""A loader for exports whose place in the epoch is a value that comes beside the data.

Whoever keeps the state that came with the last batch used, resumes with exactly the samples that
are left: with another number of workers, or of ranks, too. There is no mechanism behind it: the
order of an epoch is drawn from the seed (``reading_order.py``), and the state is how far along it
all ranks have come. The price is that samples are read in small pieces all over a window of
neighbouring ones, which disks and page caches bear well, and that ranks must go in step, as
data-parallel training does.

    loader = SpeechLoader("export", batch_size=16, rank=rank, world=world)
    state = checkpoint["loader"]
    while state["epoch"] < epochs:
        loader.load_state_dict(state)
        for samples, state in DataLoader(loader, batch_size=None, num_workers=4):
            train(samples)
            checkpoint["loader"] = state
"""

import os
from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias

import torch.distributed
from torch.utils.data import IterableDataset, get_worker_info

from lauter.datasets.errors import UsageError
from lauter.datasets.exported import SPEECH, check_finished
from lauter.datasets.lance_source import find_rows
from lauter.datasets.location import Location, location_of
from lauter.datasets.reading_order import ReadingOrder, Span, spans
from lauter.datasets.shard_source import find_shards
from lauter.datasets.speech_sample import SampleSource, SpeechSample

State: TypeAlias = dict[str, int]
"""``epoch``, and ``position`` in it in samples of all ranks; the rest are settings that it is
bound to, so that a state is never used with an order that it was not taken from."""


class SpeechLoader(IterableDataset[tuple[list[SpeechSample], State]]):
    """Yields batches of samples, each with the state after it, to the end of an epoch.

    Iterating begins at the loaded state; the state at an epoch's end begins the next one. Ranks
    and the workers of a ``DataLoader(loader, batch_size=None, num_workers=…)`` share the samples
    among them, and the order in which a rank's batches come does not depend on its workers. All
    ranks get equally many batches; where samples do not suffice, the last one may be empty.

    Workers take the state along when they start, so leave ``persistent_workers`` at False. For a
    Lance export give the ``DataLoader`` ``multiprocessing_context="forkserver"``: Lance is not safe
    in forks of a process that has used it.
    """

    def __init__(
        self,
        folder: str | Location,
        *,
        split: str = "train",
        batch_size: int = 1,
        seed: int = 0,
        shuffle: bool = True,
        window: int = 1024,
        rank: int | None = None,
        world: int | None = None,
        damaged: Literal["refuse", "skip"] = "refuse",
    ) -> None:
        """Open an export of either kind.

        ``batch_size`` is per rank; ``window`` is the number of neighbouring samples that are
        shuffled among themselves, after the shards were. ``rank`` and ``world`` are found out from
        torch.distributed or torchrun's environment where they are not given. A damaged shard is
        refused with a ``UsageError``; with ``damaged="skip"`` all of it that can be read is.
        """
        if batch_size < 1 or window < 1:
            raise UsageError(
                f"batch_size {batch_size} and window {window} are numbers of samples; "
                "set both to 1 or more"
            )
        self._source = _find(location_of(folder), split, damaged)
        self._batch_size = batch_size
        self._shuffle = shuffle
        self._rank, self._world = _place_in_world(rank, world)
        self._samples = sum(self._source.counts)
        self._bound_to = {
            "seed": seed,
            "shuffle": int(shuffle),
            "window": window,
            "samples": self._samples,
            "export": self._source.identity,
        }
        self._epoch, self._position = 0, 0

    @property
    def samples(self) -> int:
        """How many samples an epoch has, over all ranks."""
        return self._samples

    def __len__(self) -> int:
        """How many batches each rank gets in a whole epoch."""
        return sum(1 for _ in self._spans(0))

    def state_dict(self) -> State:
        """Return where the next iteration begins.

        That follows what was yielded in this process; with workers, keep the yielded state.
        """
        return self._state(self._epoch, self._position)

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Let the next iteration begin at ``state``.

        Raises ``UsageError`` for a state that was taken with other settings or data.
        """
        missing = [name for name in self.state_dict() if name not in state]
        if missing:
            raise UsageError(
                f"this is no state of a loader: it has no {missing[0]}; "
                "keep the one that comes with each batch"
            )
        for name, ours in self._bound_to.items():
            if state[name] != ours:
                raise UsageError(
                    f"the loader's state was taken with {name}={state[name]}, and this loader has "
                    f"{name}={ours}; make it with the same, or begin an epoch anew"
                )
        if state["epoch"] < 0 or not 0 <= state["position"] < self._samples:
            raise UsageError(
                f"the loader's state is at sample {state['position']} of epoch {state['epoch']}, "
                f"and an epoch has {self._samples}; keep the state that comes with each batch"
            )
        self._epoch, self._position = state["epoch"], state["position"]

    def __iter__(self) -> Iterator[tuple[list[SpeechSample], State]]:
        """Yield what is left of the epoch."""
        info = get_worker_info()
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        epoch = self._epoch
        order = ReadingOrder(
            self._source.counts,
            self._bound_to["seed"],
            epoch,
            self._bound_to["window"],
            shuffled=self._shuffle,
        )
        reader = self._source.open()
        try:
            # A DataLoader takes from its workers in turn, so these are again in order.
            for number, span in enumerate(self._spans(self._position)):
                if number % workers == worker:
                    samples = reader.read(order.places(span.start, span.stop))
                    after = self._after(epoch, span.after)
                    if info is None:
                        self._epoch, self._position = after
                    yield samples, self._state(*after)
            self._epoch, self._position = epoch + 1, 0
        finally:
            reader.close()

    def _spans(self, position: int) -> Iterator[Span]:
        return spans(position, self._samples, self._batch_size, self._rank, self._world)

    def _after(self, epoch: int, position: int) -> tuple[int, int]:
        return (epoch, position) if position < self._samples else (epoch + 1, 0)

    def _state(self, epoch: int, position: int) -> State:
        return {"epoch": epoch, "position": position, **self._bound_to}


def _find(folder: Location, split: str, damaged: str) -> SampleSource:
    if damaged not in ("refuse", "skip"):
        raise UsageError(f"damaged='{damaged}' is neither 'refuse' nor 'skip'; set one of them")
    check_finished(folder)
    if (folder / SPEECH).exists():
        return find_rows(folder, split)
    return find_shards(folder, split, skip_damaged=damaged == "skip")


def _place_in_world(rank: int | None, world: int | None) -> tuple[int, int]:
    if rank is None and world is None:
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            return torch.distributed.get_rank(), torch.distributed.get_world_size()
        rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if rank is None or world is None or not 0 <= rank < world:
        raise UsageError(
            f"rank {rank} of a world of {world} is none; give both, with rank from 0 to world - 1"
        )
    return rank, world
