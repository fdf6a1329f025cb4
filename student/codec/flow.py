"""From codes to a mel: flow matching with optimal-transport paths (Y. Lipman et al., 2210.02747).

A network tells the velocity that carries a start, along straight lines, to the mel of speech with
these codes in this voice; Euler steps follow it. The start is the coarse mel with noise round it
(a prior that knows the mean, as in V. Popov et al., Grad-TTS, 2105.06337): the way is short, and a
flow that was trained little is no worse than the mean. Told the beginning of the mel (a prompt), it
goes on in its voice. Now and then it was told nothing, so what is said can be pressed harder than
it asks for itself (classifier-free guidance, J. Ho and T. Salimans, 2207.12598).
"""

import math
from itertools import pairwise
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from lauter.student.codec.blocks import ConvNeXtBlock
from lauter.student.codec.mel import BANDS, FRAMES_PER_GROUP

_TIME = 128
SPREAD: Final = 0.5
"""Deviation of the noise round the coarse mel, in units of normalised mels."""
_PAIR = 2
"""Frames that the network takes as one step: half the work, and a farther reach."""


class Flow(nn.Module):
    """Velocity ``[batch, frames, 80]`` at a noisy mel, a time and what the decoder is told."""

    def __init__(self, width: int = 256, depth: int = 8, told: int = 256) -> None:
        super().__init__()
        self.told = nn.Linear(told + _PAIR * BANDS, width)
        self.untold = nn.Parameter(torch.zeros(width))
        self.noisy = nn.Linear(_PAIR * BANDS, width)
        self.prompt = nn.Linear(_PAIR * (BANDS + 1), width, bias=False)
        self.time = nn.Sequential(nn.Linear(_TIME, _TIME), nn.SiLU(), nn.Linear(_TIME, _TIME))
        self.blocks = nn.ModuleList(ConvNeXtBlock(width, conditions=_TIME) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.velocity = nn.Linear(width, _PAIR * BANDS)

    def forward(
        self,
        noisy: Tensor,
        time: Tensor,
        told: Tensor,
        prompt: Tensor,
        mask: Tensor,
        is_told: Tensor | None = None,
    ) -> Tensor:
        """Return velocities.

        ``time`` is ``[batch]`` in 0 (noise)…1 (speech); ``told`` features and coarse mel ``[batch,
        frames / 2, width + 160]``; ``prompt`` the known part of the mel and where it is known
        ``[batch, frames, 81]``; ``mask`` ``[batch, frames, 1]``; ``is_told`` bool ``[batch]``.
        """
        condition = self.told(told)
        if is_told is not None:
            condition = torch.where(is_told[:, None, None], condition, self.untold)
        features = self.noisy(_paired(noisy)) + condition + self.prompt(_paired(prompt))
        mask = mask[:, ::_PAIR]
        moment = self.time(_sinusoids(time).to(features.dtype))
        for block in self.blocks:
            features = block(features, mask, moment)
        velocity: Tensor = self.velocity(self.norm(features))
        return velocity.reshape(noisy.shape)


def told_by(features: Tensor, coarse: Tensor) -> Tensor:
    """Return what the flow is told: the condition's features and its coarse mel, side by side."""
    return torch.cat([features, _paired(coarse)], -1)


def _paired(frames: Tensor) -> Tensor:
    return frames.reshape(len(frames), -1, _PAIR * frames.shape[-1])


def _sinusoids(time: Tensor) -> Tensor:
    frequencies = torch.exp(torch.linspace(0, math.log(1000), _TIME // 2, device=time.device))
    angles = time[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], -1)


def flow_loss(
    flow: Flow,
    mels: Tensor,
    start: Tensor,
    time: Tensor,
    told: Tensor,
    prompt_frames: Tensor,
    mask: Tensor,
    is_told: Tensor,
) -> Tensor:
    """Return the mean squared error of the velocity, over what is no prompt and no padding.

    ``prompt_frames`` int ``[batch]`` says how much of each mel's beginning is given.
    """
    moment = time[:, None, None]
    noisy = (1 - moment) * start + moment * mels
    prompt = prompt_of(mels, prompt_frames)
    velocity = flow(noisy, time, told, prompt, mask, is_told)
    wanted = mask * (1 - prompt[..., -1:])
    error = (velocity.float() - (mels - start)).square() * wanted
    mean: Tensor = error.sum() / (wanted.sum() * BANDS)
    return mean


def prompt_of(mels: Tensor, frames: Tensor) -> Tensor:
    """Return ``[batch, frames, 81]``: the first ``frames`` of each mel, and 1 where they are."""
    known = (torch.arange(mels.shape[1], device=mels.device) < frames[:, None])[..., None]
    known = known.to(mels.dtype)
    return torch.cat([mels * known, known], -1)


def euler(
    flow: Flow,
    start: Tensor,
    told: Tensor,
    prompt: Tensor,
    mask: Tensor,
    *,
    steps: int = 10,
    guidance: float = 0.7,
) -> Tensor:
    """Return normalised mels: ``start`` carried along in ``steps``.

    The steps are short at the beginning, where little is decided yet and all depends on it (cosine
    schedule). ``guidance`` 0 asks the network once a step, anything else twice.
    """
    times = 1 - torch.cos(torch.linspace(0, math.pi / 2, steps + 1))
    mels = start
    batch = len(start)
    given, is_given = prompt[..., :-1], prompt[..., -1:] > 0
    for before, after in pairwise(times):
        moment = before.to(start.device).expand(batch)
        velocity = flow(mels, moment, told, prompt, mask)
        if guidance:
            nothing = torch.zeros(batch, dtype=torch.bool, device=start.device)
            untold = flow(mels, moment, told, torch.zeros_like(prompt), mask, nothing)
            velocity = velocity + guidance * (velocity - untold)
        mels = mels + (after - before).to(start.device) * velocity
        # The velocity of what is given was never taught: it stays on its straight line.
        on_its_way = (1 - after) * start + after * given
        mels = torch.where(is_given, on_its_way, mels)
    return mels


def start_of(coarse: Tensor, noise: Tensor) -> Tensor:
    """Return where the flow starts from; the coarse mel is not taught through it."""
    return coarse.detach() + SPREAD * noise


def group_noise(groups: int, seed: int, first: int = 0) -> Tensor:
    """Return the noise ``[12 * groups, 80]`` of groups from ``first`` on; each has its own.

    So speech decoded in chunks starts from the noise that it would have as a whole.
    """
    key = seed % 2**64  # a seed may be negative
    drawn = [
        np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, group])).standard_normal(
            (FRAMES_PER_GROUP, BANDS), np.float32
        )
        for group in range(first, first + groups)
    ]
    return torch.from_numpy(np.concatenate(drawn))
