"""What the decoder is told: a voice's timbre, and features of the codes at the frames' rate.

Both books are laid out at 50 steps a second (a linguistic entry is three, a semantic one two), and
with the timbre make a coarse mel, the mean of what they may sound like. The flow then adds what the
mean lacks. In training each book is left out at times, so that one decoder shows what each book
carries alone.
"""

from typing import Final

import torch
from torch import Tensor, nn

from lauter.datasets.codes import LINGUISTIC_ENTRIES
from lauter.student.codec.blocks import ConvNeXtBlock
from lauter.student.codec.mel import BANDS
from lauter.student.codec.semantic import DIMENSIONS

TIMBRE: Final = 128
_STEPS_PER_LINGUISTIC = 3
_STEPS_PER_SEMANTIC = 2
_FRAMES_PER_STEP = 2


class TimbreEncoder(nn.Module):
    """Normalised log-mels of a recording ``[batch, frames, 80]`` to its voice, ``[batch, 128]``.

    Mean and deviation over time: the order of what is said is gone.
    """

    def __init__(self, width: int = 192, depth: int = 3) -> None:
        super().__init__()
        self.gather = nn.Conv1d(BANDS, width, 4, stride=4)
        self.blocks = nn.ModuleList(ConvNeXtBlock(width) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.project = nn.Linear(2 * width, TIMBRE)

    def forward(self, mels: Tensor, mask: Tensor) -> Tensor:
        """Return timbres of length 1; ``mask`` is ``[batch, frames / 4, 1]``."""
        wide = mask.repeat_interleave(4, 1)
        features = self.gather((mels[:, : wide.shape[1]] * wide).transpose(1, 2)).transpose(1, 2)
        for block in self.blocks:
            features = block(features, mask)
        features = self.norm(features) * mask
        count = mask.sum(1)
        mean = features.sum(1) / count
        variance = ((features - mean[:, None]).square() * mask).sum(1) / count
        pooled = torch.cat([mean, (variance + 1e-5).sqrt()], -1)
        return nn.functional.normalize(self.project(pooled), dim=-1)


class Condition(nn.Module):
    """Entries of both books and a timbre to features (50 a second) and a coarse mel."""

    def __init__(self, width: int = 256, depth: int = 5) -> None:
        super().__init__()
        self.linguistic = nn.Embedding(LINGUISTIC_ENTRIES, width)
        self.semantic = nn.Linear(DIMENSIONS, width)
        # What stands in for a book that is left out.
        self.no_linguistic = nn.Parameter(torch.zeros(width))
        self.no_semantic = nn.Parameter(torch.zeros(width))
        self.timbre = nn.Linear(TIMBRE, width)
        self.blocks = nn.ModuleList(ConvNeXtBlock(width, conditions=TIMBRE) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.coarse = nn.Linear(width, _FRAMES_PER_STEP * BANDS)

    def forward(
        self,
        linguistic: Tensor,
        points: Tensor,
        timbre: Tensor,
        groups: Tensor,
        use_linguistic: Tensor | None = None,
        use_semantic: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return features ``[batch, frames / 2, width]`` and the coarse normalised mel.

        ``linguistic`` are entries ``[batch, 2 * groups]``, ``points`` grid points ``[batch, 3 *
        groups, 4]``, ``groups`` each row's number of groups; ``use_…`` are bool ``[batch]``.
        """
        first = self.linguistic(linguistic)
        second = self.semantic(points)
        if use_linguistic is not None:
            first = torch.where(use_linguistic[:, None, None], first, self.no_linguistic)
        if use_semantic is not None:
            second = torch.where(use_semantic[:, None, None], second, self.no_semantic)
        features = first.repeat_interleave(_STEPS_PER_LINGUISTIC, 1)
        features = features + second.repeat_interleave(_STEPS_PER_SEMANTIC, 1)
        features = features + self.timbre(timbre)[:, None]
        steps = groups * 2 * _STEPS_PER_LINGUISTIC
        mask = (torch.arange(features.shape[1], device=groups.device) < steps[:, None])[..., None]
        mask = mask.to(features.dtype)
        for block in self.blocks:
            features = block(features, mask, timbre)
        features = self.norm(features)
        coarse = self.coarse(features).reshape(len(features), -1, BANDS)
        return features, coarse
