"""The loss on held-out speech, taken apart: by stream, language, dialect and emotion.

Held-out samples are packed cell by cell (language, dialect, emotion), so a batch's sums belong to
one cell, and every slice is a sum of cells: the loss needs to know nothing of slices.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
import torch.distributed as dist

from lauter.datasets.errors import UsageError
from lauter.datasets.layout import Vocabulary
from lauter.datasets.text_tokens import TextTokenizer
from lauter.student.batches import Batch, BatchSettings, Packs
from lauter.student.distill import means
from lauter.student.edit_examples import Task, open_examples
from lauter.student.examples import Cell
from lauter.student.mixture import Mixture
from lauter.student.packing import Item, Pack

ALL: Final = "all"
Slices = dict[str, dict[str, float]]
"""Means of the loss (``distill.means``) by slice: ``all``, and each word of a cell."""


class HeldOut:
    """Batches of a split, each of one cell, shared out over ranks."""

    def __init__(
        self,
        folder: str | Path,
        tokenizer: TextTokenizer,
        vocabulary: Vocabulary,
        settings: BatchSettings,
        context: int,
        *,
        split: str,
        task: str = Task.SPEECH,
        extra_columns: Iterable[str] = (),
    ) -> None:
        """Read a split; raises ``UsageError`` as ``open_examples`` and ``Packs`` do."""
        examples = open_examples(
            task, folder, tokenizer, vocabulary, split=split, extra_columns=tuple(extra_columns)
        )
        plain = replace(settings, mixture=Mixture(), history_masking=0.0)
        self._packs = Packs(examples, vocabulary, plain, context)
        self.cells = examples.cells
        self.codec_fingerprint = examples.codec_fingerprint
        rows = max(settings.micro_tokens // self._packs.pack_tokens, 1)
        self._rounds: list[tuple[int, list[Pack]]] = []
        for cell in range(len(self.cells)):
            samples = np.flatnonzero(examples.cell_of == cell)
            short = samples[examples.lengths[samples] <= self._packs.pack_tokens]
            items = [Item(int(sample), 0) for sample in short]
            packs = self._packs.filled(items, epoch=0)
            for first in range(0, len(packs), rows):
                self._rounds.append((cell, packs[first : first + rows]))

    def batches(self, rank: int, world: int) -> Iterable[tuple[int, Batch]]:
        """Yield this rank's batches, each with its cell; all ranks have equally many."""
        for first in range(0, len(self._rounds), world):
            turn = first + rank
            cell, packs = self._rounds[turn] if turn < len(self._rounds) else (0, [])
            yield cell, self._packs.batch([(0, pack) for pack in packs], masked=False)


def by_slice(sums: torch.Tensor, cells: list[Cell]) -> Slices:
    """Return the means of each slice from the sums of each cell, float64 ``[cells, 8]``."""
    words = sorted({word for cell in cells for word in cell})
    slices = {ALL: means(sums.sum(0))}
    for word in words:
        chosen = [number for number, cell in enumerate(cells) if word in cell]
        slices[word] = means(sums[chosen].sum(0))
    return slices


def reduced(sums: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Return sums added up over all ranks, on the host."""
    there = sums.to(device)
    dist.all_reduce(there)
    return there.cpu()


def check_same_codec(ours: str, theirs: str, whose: str) -> None:
    """Raise ``UsageError`` where codes of two codecs would be learnt by one student."""
    if ours != theirs:
        raise UsageError(
            f"the codes of the data are of the codec {ours}, those of {whose} of {theirs}; "
            "encode the corpus with the same codec, or begin another student"
        )
