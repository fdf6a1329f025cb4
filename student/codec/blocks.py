"""The one building block of the codec's networks: ConvNeXt in one dimension.

Convolutions reach only so far, so speech can be decoded in chunks, and cost little on a CPU. Every
block zeroes what a mask leaves out before it looks at neighbours: in a padded batch each row comes
out as it does alone.
"""

import torch
from torch import Tensor, nn


class ConvNeXtBlock(nn.Module):
    """A depthwise convolution over time, then an inverted bottleneck (Z. Liu et al., 2201.03545).

    With ``conditions`` the normalised features are scaled and shifted by a vector of that size.
    """

    def __init__(
        self, width: int, *, expansion: int = 3, kernel: int = 7, conditions: int = 0
    ) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width, elementwise_affine=not conditions)
        self.modulation = nn.Linear(conditions, 2 * width) if conditions else None
        if self.modulation is not None:
            nn.init.zeros_(self.modulation.weight)
            nn.init.zeros_(self.modulation.bias)
        self.widen = nn.Linear(width, expansion * width)
        self.narrow = nn.Linear(expansion * width, width)
        self.scale = nn.Parameter(torch.full((width,), 0.2))

    def forward(self, features: Tensor, mask: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return features ``[batch, time, width]``; ``mask`` is ``[batch, time, 1]`` of 0 and 1."""
        inner = self.depthwise((features * mask).transpose(1, 2)).transpose(1, 2)
        inner = self.norm(inner)
        if self.modulation is not None and condition is not None:
            scale, shift = self.modulation(condition)[:, None].chunk(2, -1)
            inner = inner * (1 + scale) + shift
        inner = self.narrow(nn.functional.gelu(self.widen(inner), approximate="tanh"))
        output: Tensor = features + self.scale * inner
        return output


def mask_of(lengths: Tensor, longest: int) -> Tensor:
    """Return float32 ``[batch, longest, 1]``: 1 where time is below a row's length."""
    return (torch.arange(longest, device=lengths.device) < lengths[:, None])[..., None].float()
