"""The log-mel spectrogram that codec, decoder and vocoder share: 24 kHz, 80 bands, 100 frames/s.

A hop of 10 ms makes exactly 4 frames of a semantic code, 6 of a linguistic one and 12 of a group,
so nothing drifts. Frame i is centred on the middle of its hop: N samples give N / 240 frames.
"""

from typing import Final

import torch
from torch import Tensor, nn

SAMPLE_RATE: Final = 24_000
HOP: Final = 240
WINDOW: Final = 960
BANDS: Final = 80
FRAMES_PER_S: Final = SAMPLE_RATE // HOP
FRAMES_PER_GROUP: Final = 12
SAMPLES_PER_GROUP: Final = HOP * FRAMES_PER_GROUP

FLOOR: Final = 1e-5
"""Least magnitude; its logarithm, -11.5, is silence."""
MEAN: Final = -5.5
SCALE: Final = 2.5
"""What log-mels of speech at the base level are about, so that networks see numbers near 1."""


class LogMel(nn.Module):
    """Samples float32 ``[batch, samples]`` (whole hops) to log-mels ``[batch, frames, 80]``.

    The logarithm is natural, of magnitudes; 0 is 1 and not the mean (``normalised``).
    """

    window: Tensor
    filters: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(WINDOW), persistent=False)
        self.register_buffer("filters", _filters(), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """Return log-mels; the ends are mirrored."""
        side = (WINDOW - HOP) // 2
        padded = nn.functional.pad(samples[:, None], (side, side), "reflect")[:, 0]
        spectrum = torch.stft(
            padded, WINDOW, HOP, window=self.window, center=False, return_complex=True
        )
        return (spectrum.abs().transpose(1, 2) @ self.filters).clamp(min=FLOOR).log()


def normalised(mels: Tensor) -> Tensor:
    """Return log-mels as networks take them."""
    return (mels - MEAN) / SCALE


def restored(mels: Tensor) -> Tensor:
    """Return what ``normalised`` was given."""
    return mels * SCALE + MEAN


def _filters() -> Tensor:
    """Return triangles on O'Shaughnessy's mel scale, each with a sum of 1: ``[bins, bands]``."""
    bins = torch.linspace(0, SAMPLE_RATE / 2, WINDOW // 2 + 1, dtype=torch.float64)
    top = 2595 * torch.log10(torch.tensor(1 + SAMPLE_RATE / 2 / 700, dtype=torch.float64))
    edges = 700 * (10 ** (torch.linspace(0, 1, BANDS + 2, dtype=torch.float64) * top / 2595) - 1)
    left, middle, right = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins[:, None] - left) / (middle - left)
    falling = (right - bins[:, None]) / (right - middle)
    triangles = torch.minimum(rising, falling).clamp(min=0)
    # The lowest triangles are narrower than a bin; the nearest bin stands in for an empty one.
    nearest = (bins[:, None] - middle).abs().argmin(0)
    triangles[nearest, torch.arange(BANDS)] = triangles[nearest, torch.arange(BANDS)].clamp(min=0.1)
    return (triangles / triangles.sum(0)).float()
