"""The semantic book: how speech sounds, at 25 entries a second, 4096 of them.

The entries are not learnt but are the points of a grid of 8 · 8 · 8 · 8 (finite scalar
quantisation, F. Mentzer et al., 2309.15505): an encoder learns to place speech on it, none of them
can die, and neighbours sound alike. The encoder learns from two ends: speech is to be rebuilt from
its entries, the linguistic ones beside them and the voice (the coarse mel of ``condition.py``), and
the text is to be read off the entries alone (connectionist temporal classification over UTF-8
bytes), which keeps in them what was said where it is at odds with how.
"""

import math
from typing import Final

import torch
from torch import Tensor, nn

from lauter.student.codec.blocks import ConvNeXtBlock
from lauter.student.codec.mel import BANDS

LEVELS: Final = 8
DIMENSIONS: Final = 4
FRAMES_PER_ENTRY: Final = 4
BLANK: Final = 256

_HALF = (LEVELS - 1) * (1 - 1e-3) / 2
_OFFSET = 0.5  # with an even number of levels, rounding must fall between the integers
_SHIFT = math.atanh(_OFFSET / _HALF)


def quantise(places: Tensor) -> Tensor:
    """Return the grid point of each place, ``[…, 4]`` in -1…0.75; gradients pass through it."""
    bounded = torch.tanh(places.float() + _SHIFT) * _HALF - _OFFSET
    return (bounded + (bounded.round() - bounded).detach()) / (LEVELS / 2)


def entries_of(points: Tensor) -> Tensor:
    """Return the entries, int64 ``[…]`` from 0 to 4095, of grid points ``[…, 4]``."""
    digits = (points * (LEVELS / 2) + LEVELS / 2).round().long()
    return (digits * _bases(points.device)).sum(-1)


def points_of(entries: Tensor) -> Tensor:
    """Return the grid points ``[…, 4]`` of entries."""
    digits = entries[..., None] // _bases(entries.device) % LEVELS
    return (digits.float() - LEVELS / 2) / (LEVELS / 2)


def _bases(device: torch.device) -> Tensor:
    return LEVELS ** torch.arange(DIMENSIONS, device=device)


class SemanticEncoder(nn.Module):
    """Normalised log-mels ``[batch, frames, 80]`` to places ``[batch, frames / 4, 4]``."""

    def __init__(self, width: int = 256, depth: int = 5) -> None:
        super().__init__()
        self.gather = nn.Conv1d(BANDS, width, 8, stride=FRAMES_PER_ENTRY, padding=2)
        self.blocks = nn.ModuleList(ConvNeXtBlock(width) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.place = nn.Linear(width, DIMENSIONS)

    def forward(self, mels: Tensor, mask: Tensor) -> Tensor:
        """Return places; ``mask`` is ``[batch, frames / 4, 1]``, and whole groups are expected."""
        wide = mask.repeat_interleave(FRAMES_PER_ENTRY, 1)
        features = self.gather((mels * wide).transpose(1, 2)).transpose(1, 2)
        for block in self.blocks:
            features = block(features, mask)
        output: Tensor = self.place(self.norm(features))
        return output


class Reader(nn.Module):
    """Reads bytes off grid points; it is needed in training alone."""

    def __init__(self, width: int = 256, depth: int = 3) -> None:
        super().__init__()
        self.widen = nn.Linear(DIMENSIONS, width)
        self.blocks = nn.ModuleList(ConvNeXtBlock(width) for _ in range(depth))
        self.head = nn.Linear(width, BLANK + 1)

    def forward(self, points: Tensor, mask: Tensor) -> Tensor:
        """Return log-probabilities ``[batch, entries, 257]`` of bytes and the blank."""
        features = self.widen(points)
        for block in self.blocks:
            features = block(features, mask)
        return nn.functional.log_softmax(self.head(features).float(), -1)
