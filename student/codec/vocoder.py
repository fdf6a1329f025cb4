"""From a mel to samples: a Vocos-like network (H. Siuzdak, 2306.00814).

It stays at the frames' rate all the way: each frame is given a magnitude and a phase for every
frequency, and the inverse short-time Fourier transform does the rest.
"""

from typing import Final

import torch
from torch import Tensor, nn

from lauter.student.codec.blocks import ConvNeXtBlock
from lauter.student.codec.mel import BANDS, HOP, WINDOW

_BINS: Final = WINDOW // 2 + 1
_LOUDEST: Final = 5.0
"""Upper bound of log magnitudes: nothing in speech at full scale is louder."""


class Vocoder(nn.Module):
    """Normalised log-mels ``[batch, frames, 80]`` to samples float32 ``[batch, frames * 240]``."""

    window: Tensor

    def __init__(self, width: int = 256, depth: int = 6) -> None:
        super().__init__()
        self.enter = nn.Conv1d(BANDS, width, 7, padding=3)
        self.blocks = nn.ModuleList(ConvNeXtBlock(width) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 2 * _BINS)
        self.register_buffer("window", torch.hann_window(WINDOW), persistent=False)

    def forward(self, mels: Tensor, mask: Tensor) -> Tensor:
        """Return samples; ``mask`` is ``[batch, frames, 1]``, and what it leaves out is silent."""
        features = self.enter((mels * mask).transpose(1, 2)).transpose(1, 2)
        for block in self.blocks:
            features = block(features, mask)
        magnitude, phase = self.head(self.norm(features)).float().chunk(2, -1)
        spectrum = torch.polar(magnitude.clamp(max=_LOUDEST).exp() * mask, phase)
        return overlap_add(spectrum.transpose(1, 2), self.window, mask)


def overlap_add(spectrum: Tensor, window: Tensor, mask: Tensor) -> Tensor:
    """Return the samples of ``[batch, bins, frames]``, frame i centred on the middle of hop i.

    Frames that ``mask`` ``[batch, frames, 1]`` leaves out must be zero, and count for nothing.
    """
    frames = spectrum.shape[-1]
    pieces = torch.fft.irfft(spectrum, WINDOW, dim=1) * window[:, None]
    length = (frames - 1) * HOP + WINDOW
    whole = _folded(pieces, length)
    weight = _folded(window.square()[:, None] * mask.transpose(1, 2), length)
    side = (WINDOW - HOP) // 2
    return (whole / weight.clamp(min=1e-4))[:, side : side + frames * HOP]


def _folded(pieces: Tensor, length: int) -> Tensor:
    return nn.functional.fold(pieces, (1, length), (1, WINDOW), stride=(1, HOP))[:, 0, 0]
