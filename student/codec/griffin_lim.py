"""Samples of a mel without a network (D. Griffin and J. Lim, 1984): the baseline of the vocoder."""

import torch
from torch import Tensor, nn

from lauter.student.codec.mel import HOP, WINDOW, LogMel, restored
from lauter.student.codec.vocoder import overlap_add


def griffin_lim(mels: Tensor, *, iterations: int = 32, seed: int = 0) -> Tensor:
    """Return samples ``[batch, frames * 240]`` of normalised mels ``[batch, frames, 80]``.

    Magnitudes are the least that give the mel; phases begin at random and are made consistent.
    """
    log_mel = LogMel().to(mels.device)
    inverse = torch.linalg.pinv(log_mel.filters)
    magnitudes = (restored(mels).exp() @ inverse).clamp(min=0).transpose(1, 2)
    chance = torch.Generator().manual_seed(seed)
    angles = torch.rand(magnitudes.shape, generator=chance).to(mels.device) * 2 * torch.pi
    spectrum = torch.polar(magnitudes, angles)
    side = (WINDOW - HOP) // 2
    ones = torch.ones_like(mels[..., :1])
    for _ in range(iterations):
        samples = overlap_add(spectrum, log_mel.window, ones)
        padded = nn.functional.pad(samples, (side, side))
        found = torch.stft(
            padded, WINDOW, HOP, window=log_mel.window, center=False, return_complex=True
        )
        spectrum = torch.polar(magnitudes, found.angle())
    return overlap_add(spectrum, log_mel.window, ones)
