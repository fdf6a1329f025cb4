"""Batches of packed examples, and where training stands as a value beside them.

A **step** takes ``packs_a_step`` packs off the endless row of epochs, whatever the number of
processes, and cuts them into micro batches for each rank. All ranks have equally many micro
batches; where packs do not suffice (with three ranks and two packs, or at the very end) a rank's
batch is empty: a row of padding without targets, whose gradient is zero. So no sample is dropped,
and as losses are summed over all places before they are divided, the result does not depend on
how a step was cut.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lauter.datasets.codes import CODES, GROUP, LINGUISTIC_ENTRIES, LINGUISTIC_PER_GROUP
from lauter.datasets.errors import UsageError
from lauter.datasets.layout import PAD, Vocabulary
from lauter.datasets.mixing import mixed
from lauter.student.edit_examples import EditExamples
from lauter.student.examples import Cell, SpokenExample, SpokenExamples
from lauter.student.mixture import Mixture, copies, repeats
from lauter.student.packing import Item, Pack, epoch_order, packed
from lauter.student.references import References

ROUNDED_TO: Final = 64
MASKS: Final = ("pad", "random")


@dataclass(frozen=True, slots=True)
class Batch:
    """Packed examples: ``ids`` and ``segments`` are int64 ``[rows, time]``.

    ``segments`` counts each row's examples from 1; 0 is padding. A place is a number in the
    flattened ``[rows * time]``; what stands there foretells a target. ``places``, ``targets`` and
    ``slots`` (0 to 4, the end of a turn at 0) are int64 ``[places]``. ``records`` are the samples'
    columns, in the order in which their places come, ``request_ids`` their names.
    """

    ids: Tensor
    segments: Tensor
    places: Tensor
    targets: Tensor
    slots: Tensor
    request_ids: tuple[str, ...] = ()
    records: tuple[Mapping[str, Any], ...] = ()

    def to(self, device: torch.device | str) -> "Batch":
        """Return this batch on another device."""
        names = ("ids", "segments", "places", "targets", "slots")
        moved = {name: getattr(self, name).to(device, non_blocking=True) for name in names}
        return replace(self, **moved)


@dataclass(frozen=True, slots=True)
class Position:
    """How far training has come: ``pack`` packs of ``epoch``, by all ranks together."""

    epoch: int = 0
    pack: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One rank's micro batches of a step, and the position after it."""

    batches: tuple[Batch, ...]
    after: Position


@dataclass(frozen=True)
class BatchSettings:
    """How examples become batches.

    ``pack_tokens`` are the ids of a row (None: twice the longest example, rounded up to 64);
    ``batch_tokens`` those of a step, over all ranks and micro batches; ``micro_tokens`` those that
    a rank takes at once. Packs are filled from ``look_ahead`` samples, and samples shuffled within
    ``window`` neighbours. ``history_masking`` is the share of speech ids of the history that are
    hidden from the student: by padding, or by other codes of the same book (``history_mask``); of
    edits it is the mean, and each has a share of its own, from none to twice as much.
    ``reference_share`` is the share of the examples before which another utterance shows the voice.
    """

    pack_tokens: int | None = None
    batch_tokens: int = 16_384
    micro_tokens: int = 8_192
    look_ahead: int = 256
    window: int = 8_192
    history_masking: float = 0.0
    history_mask: str = "pad"
    reference_share: float = 0.0
    too_long: str = "refuse"
    seed: int = 0
    mixture: Mixture = field(default_factory=Mixture)

    def __post_init__(self) -> None:
        """Raise ``UsageError`` for settings that make no batch."""
        if not 0 <= self.history_masking < 1:
            raise UsageError(
                f"distill.batches.history_masking is {self.history_masking:g}; "
                "set a share of the speech, 0 or more and less than 1"
            )
        if not 0 <= self.reference_share <= 1:
            raise UsageError(
                f"distill.batches.reference_share is {self.reference_share:g}; "
                "set a share of the examples, 0 to 1"
            )
        for name, choices in (("history_mask", MASKS), ("too_long", ("refuse", "skip"))):
            if getattr(self, name) not in choices:
                raise UsageError(
                    f"distill.batches.{name} is '{getattr(self, name)}'; "
                    f"choose {' or '.join(choices)}"
                )
        for name in ("pack_tokens", "batch_tokens", "micro_tokens", "look_ahead", "window"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"distill.batches.{name} is {value}; set 1 or more")


class Packs:
    """The packs of every epoch of some examples, and the batches that are made of them."""

    def __init__(
        self,
        examples: SpokenExamples | EditExamples,
        vocabulary: Vocabulary,
        settings: BatchSettings,
        context: int,
    ) -> None:
        """Plan for a model with ``context`` ids.

        Raises ``UsageError`` for an example longer than the context, or longer than a pack, and
        where edits, which begin with their source, are to begin with a reference, or where more
        than half of their history is to be hidden.
        """
        _check_masking(examples, settings.history_masking)
        self.examples = examples
        self._vocabulary = vocabulary
        self._settings = settings
        self.pack_tokens, self._fits = _pack_tokens(examples, settings, context)
        self.skipped = int((~self._fits).sum())
        counted = np.bincount(examples.cell_of, minlength=len(examples.cells))
        self._references = _references(examples, settings, self.pack_tokens)
        self._wanted = repeats(settings.mixture, examples.cells, counted.tolist())
        self._epoch: tuple[int, list[Pack]] = (-1, [])

    @property
    def cells(self) -> list[Cell]:
        """The cells that are learnt from: those of a weight above 0."""
        weighed = zip(self.examples.cells, self._wanted, strict=True)
        return [cell for cell, wanted in weighed if wanted > 0]

    @property
    def packs_a_step(self) -> int:
        """How many packs a step takes, over all ranks."""
        return max(self._settings.batch_tokens // self.pack_tokens, 1)

    def bound_to(self) -> dict[str, Any]:
        """Return what a position is bound to: with anything else it means other samples."""
        settings = self._settings
        return {
            "data": self.examples.identity,
            "seed": settings.seed,
            "pack_tokens": self.pack_tokens,
            "packs_a_step": self.packs_a_step,
            "look_ahead": settings.look_ahead,
            "window": settings.window,
            "history_masking": settings.history_masking,
            "history_mask": settings.history_mask,
            "reference_share": settings.reference_share,
            "mixture": {
                "weights": dict(settings.mixture.weights),
                "temperature": settings.mixture.temperature,
                "most_repeats": settings.mixture.most_repeats,
            },
        }

    def epoch(self, number: int) -> list[Pack]:
        """Return the packs of an epoch; the last one asked for is kept."""
        if self._epoch[0] != number:
            settings, examples = self._settings, self.examples
            often = copies(self._wanted, examples.cell_of, settings.seed, number) * self._fits
            order = epoch_order(examples.counts, often, settings.seed, number, settings.window)
            packs = self.filled(order, number)
            if not packs:
                raise UsageError(
                    f"an epoch of {examples.folder} has no sample; raise "
                    "distill.batches.mixture.weights"
                )
            self._epoch = (number, packs)
        return self._epoch[1]

    def filled(self, order: Sequence[Item], epoch: int) -> list[Pack]:
        """Return items of an epoch in packs, with the references that the lots give them."""
        if self._references is not None:
            order = [self._references.drawn(item, epoch) for item in order]
        lengths = [self.length(item) for item in order]
        return packed(order, lengths, self.pack_tokens, self._settings.look_ahead)

    def length(self, item: Item) -> int:
        """Return the ids of an item's example, its reference's among them."""
        added = 0 if self._references is None else self._references.added(item.reference)
        return int(self.examples.lengths[item.sample]) + added

    @property
    def longest(self) -> int:
        """The most ids that an example can have."""
        examples = self.examples
        alone = int(examples.lengths[self._fits].max())
        added = 0 if self._references is None else self._references.most_added
        return min(alone + added, self.pack_tokens)

    def padding(self, number: int) -> float:
        """Return the share of an epoch's places that hold padding."""
        packs = self.epoch(number)
        used = sum(self.length(item) for pack in packs for item in pack)
        return 1 - used / (len(packs) * self.pack_tokens)

    def steps(
        self, position: Position, *, epochs: int | None = None, rank: int = 0, world: int = 1
    ) -> Iterator[Step]:
        """Yield the steps after ``position``, without end or to the end of so many epochs."""
        while epochs is None or position.epoch < epochs:
            chosen, position = self._take(position, epochs)
            yield Step(tuple(self._shared_out(chosen, rank, world)), position)

    def _take(
        self, position: Position, epochs: int | None
    ) -> tuple[list[tuple[int, Pack]], Position]:
        chosen: list[tuple[int, Pack]] = []
        epoch, pack = position.epoch, position.pack
        while len(chosen) < self.packs_a_step and (epochs is None or epoch < epochs):
            packs = self.epoch(epoch)
            taken = packs[pack : pack + self.packs_a_step - len(chosen)]
            chosen += [(epoch, one) for one in taken]
            pack += len(taken)
            if pack >= len(packs):
                epoch, pack = epoch + 1, 0
        return chosen, Position(epoch, pack)

    def accumulation(self, world: int) -> int:
        """How many micro batches each rank has in a step."""
        return -(-self.packs_a_step // (self.rows * world))

    @property
    def rows(self) -> int:
        """How many packs a micro batch has."""
        return max(self._settings.micro_tokens // self.pack_tokens, 1)

    def _shared_out(self, chosen: list[tuple[int, Pack]], rank: int, world: int) -> Iterator[Batch]:
        rows = self.rows
        for turn in range(self.accumulation(world)):
            first = (turn * world + rank) * rows
            yield self.batch(chosen[first : first + rows])

    def batch(self, packs: Sequence[tuple[int, Pack]], *, masked: bool = True) -> Batch:
        """Return packs of given epochs as a batch; no packs make an empty one.

        ``masked=False`` leaves the whole history to be seen, as validation does.
        """
        rows = []
        for epoch, pack in packs:
            spoken = self.examples.read(
                [item.sample for item in pack], [item.reference for item in pack]
            )
            inputs = [
                self._seen(one, item, epoch) if masked else one.example.ids
                for one, item in zip(spoken, pack, strict=True)
            ]
            rows.append((spoken, inputs))
        return collate(rows, self.pack_tokens)

    def _seen(self, spoken: SpokenExample, item: Item, epoch: int) -> NDArray[np.int64]:
        """Return an example's ids with a share of the speech to be foretold hidden.

        A reference is left whole, as whoever wants a voice copied gives it whole: what masking is
        to break is the student's trust in its own answer. The lots hang on the seed, the epoch and
        the sample alone, so that a resumed run draws them again.
        """
        settings = self._settings
        share = settings.history_masking
        if not share:
            return spoken.example.ids
        seed = mixed(settings.seed, epoch, item.sample, item.copy, 4)
        lots = np.random.Generator(np.random.PCG64(seed))
        ids = spoken.example.ids.copy()
        speech = np.flatnonzero(spoken.example.is_target)[:-1]
        if isinstance(self.examples, EditExamples) and self.examples.is_edit(item.sample):
            # The source before it is whole. Were there as many holes in every answer, a student
            # would tell the two apart by them, and be lost where it speaks and none are.
            share *= 2 * lots.random()
        hidden = speech[lots.random(len(speech)) < share]
        if settings.history_mask == "pad":
            ids[hidden] = PAD
        else:
            is_linguistic = ids[hidden] < self._vocabulary.text_size + LINGUISTIC_ENTRIES
            low = np.where(is_linguistic, 0, LINGUISTIC_ENTRIES)
            high = np.where(is_linguistic, LINGUISTIC_ENTRIES, CODES)
            ids[hidden] = self._vocabulary.text_size + lots.integers(low, high)
        return ids


def collate(
    rows: Sequence[tuple[Sequence[SpokenExample], Sequence[NDArray[np.int64]]]], capacity: int
) -> Batch:
    """Return rows of examples, each with the ids that the student sees, as a batch.

    The last id of an example foretells nothing and is left in its place, so that a row's length is
    the sum of its examples'. Rows are as long as the longest, rounded up to 64, or ``capacity``.
    """
    longest = max((sum(map(len, inputs)) for _, inputs in rows), default=1)
    time = min(-(-longest // ROUNDED_TO) * ROUNDED_TO, max(capacity, longest))
    ids = np.full((max(len(rows), 1), time), PAD, np.int64)
    segments = np.zeros_like(ids)
    places, targets, slots = [], [], []
    for row, (spoken, inputs) in enumerate(rows):
        at = 0
        for segment, (one, seen) in enumerate(zip(spoken, inputs, strict=True), start=1):
            ids[row, at : at + len(seen)] = seen
            segments[row, at : at + len(seen)] = segment
            foretold = np.flatnonzero(one.example.is_target)
            places.append(row * time + at + foretold - 1)
            targets.append(one.example.ids[foretold])
            slots.append(np.arange(len(foretold)) % GROUP)
            at += len(seen)
    everyone = [one for spoken, _ in rows for one in spoken]
    return Batch(
        torch.from_numpy(ids),
        torch.from_numpy(segments),
        _joined(places),
        _joined(targets),
        _joined(slots),
        tuple(one.request_id for one in everyone),
        tuple(one.record for one in everyone),
    )


def _joined(parts: list[NDArray[np.int64]]) -> Tensor:
    return torch.from_numpy(np.concatenate([np.empty(0, np.int64), *parts]))


def linguistic_places(batch: Batch) -> int:
    """Return how many of a batch's places belong to the linguistic stream."""
    return int((batch.slots < LINGUISTIC_PER_GROUP).sum())


def _check_masking(examples: SpokenExamples | EditExamples, share: float) -> None:
    if isinstance(examples, EditExamples) and share > 0.5:
        raise UsageError(
            f"distill.batches.history_masking is {share:g}, and of an edit up to twice as much is "
            "hidden; set it to 0.5 or less, or distill.task=speech"
        )


def _references(
    examples: SpokenExamples | EditExamples, settings: BatchSettings, capacity: int
) -> References | None:
    share = settings.reference_share
    if not share:
        return None
    if isinstance(examples, EditExamples):
        raise UsageError(
            f"distill.batches.reference_share is {share:g}, and an edit begins with what is "
            "edited; set it to 0, or distill.task=speech"
        )
    return References(examples, share, settings.seed, capacity)


def _pack_tokens(
    examples: SpokenExamples | EditExamples, settings: BatchSettings, context: int
) -> tuple[int, NDArray[np.bool_]]:
    most = min(settings.pack_tokens or context, context)
    fits = examples.lengths <= most
    if not fits.all() and settings.too_long == "refuse":
        worst = int(examples.lengths.argmax())
        (spoken,) = examples.read([worst])
        limit = "the student's context" if most == context else "distill.batches.pack_tokens"
        raise UsageError(
            f"the example {spoken.request_id} has {examples.lengths[worst]} ids, more than the "
            f"{most} of {limit} (too long in all: {int((~fits).sum())}); "
            "set distill.batches.too_long=skip to leave such out, or choose a student with more "
            "context"
        )
    if not fits.any():
        raise UsageError(f"all examples of {examples.folder} are longer than {most} ids")
    if settings.pack_tokens is not None:
        return most, fits
    longest = int(examples.lengths[fits].max())
    return min(-(-2 * longest // ROUNDED_TO) * ROUNDED_TO, context), fits
