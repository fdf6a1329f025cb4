"""Training the vocoder: first to rebuild the mel, then against discriminators as well.

Without discriminators the phase of what is noise is guessed to its mean, which buzzes. Three small
ones look at magnitudes at three resolutions (W. Jang et al., UnivNet, 2106.07889), with the
least-squares loss and feature matching.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lauter.student.codec.learning_rate import cosine_rate
from lauter.student.codec.mel import FLOOR, HOP, LogMel, normalised
from lauter.student.codec.vocoder import Vocoder

_RESOLUTIONS = ((2048, 512), (1024, 256), (512, 128))
"""Windows and hops, in samples at 24 kHz."""


@dataclass(frozen=True, slots=True)
class VocoderTraining:
    """How the vocoder is trained."""

    steps: int = 4000
    batch_size: int = 12
    segment_frames: int = 60
    learning_rate: float = 6e-4
    least_learning_rate: float = 5e-5
    adversarial_from: float = 0.35
    """Share of the steps after which the discriminators join."""
    mel_weight: float = 15.0
    seed: int = 0


def segments(
    clips: Sequence[NDArray[np.int16]],
    shares: NDArray[np.float64],
    settings: VocoderTraining,
) -> Iterator[Tensor]:
    """Yield batches of random pieces of random clips, float32 ``[batch, samples]``, for ever.

    ``shares`` float64 ``[clips]`` say how probable each clip is.
    """
    chance = np.random.default_rng(settings.seed % 2**64)
    size = settings.segment_frames * HOP
    while True:
        batch = np.zeros((settings.batch_size, size), np.float32)
        chosen = chance.choice(len(clips), len(batch), p=shares)
        for row, number in zip(batch, chosen, strict=True):
            clip = clips[number]
            start = int(chance.integers(max(1, len(clip) - size + 1)))
            piece = clip[start : start + size]
            row[: len(piece)] = piece / 32768.0
            row *= 10 ** (chance.uniform(-12, 3) / 20)
        yield torch.from_numpy(batch).clamp(-1, 1)


def train_vocoder(
    vocoder: Vocoder,
    batches: Iterator[Tensor],
    settings: VocoderTraining,
    on_step: Callable[[int, dict[str, float]], None],
) -> None:
    """Train ``vocoder`` in place."""
    device = next(vocoder.parameters()).device
    log_mel = LogMel().to(device)
    judges = Discriminators().to(device)
    own = torch.optim.AdamW(vocoder.parameters(), settings.learning_rate, betas=(0.8, 0.99))
    theirs = torch.optim.AdamW(judges.parameters(), settings.learning_rate / 2, betas=(0.8, 0.99))
    for step in range(settings.steps):
        rate = cosine_rate(
            step,
            settings.steps,
            settings.learning_rate,
            settings.least_learning_rate,
            warm_up=100,
        )
        for group in own.param_groups:
            group["lr"] = rate
        for group in theirs.param_groups:
            group["lr"] = rate / 2
        real = next(batches).to(device)
        mels = log_mel(real)
        with torch.autocast(device.type, torch.bfloat16):
            made = vocoder(normalised(mels), torch.ones_like(mels[..., :1]))
        losses = {"mel": (log_mel(made) - mels).abs().mean(), "spectrum": _spectral(made, real)}
        total = settings.mel_weight * losses["mel"] + 2 * losses["spectrum"]
        if step >= settings.adversarial_from * settings.steps:
            truths = _teach(judges, theirs, real, made.detach())
            with torch.autocast(device.type, torch.bfloat16):
                fakes = judges(made)
            losses["adversarial"] = torch.stack(
                [(fake[-1].float() - 1).square().mean() for fake in fakes]
            ).sum()
            losses["features"] = torch.stack(
                [
                    (known.float() - feature.float()).abs().mean()
                    for truth, fake in zip(truths, fakes, strict=True)
                    for known, feature in zip(truth[:-1], fake[:-1], strict=True)
                ]
            ).mean()
            total = total + losses["adversarial"] + 4 * losses["features"]
        own.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(vocoder.parameters(), 10)
        own.step()
        on_step(step, {name: float(loss.detach()) for name, loss in losses.items()})


def _teach(
    judges: "Discriminators", optimizer: torch.optim.Optimizer, real: Tensor, made: Tensor
) -> list[list[Tensor]]:
    """Let the discriminators learn from one batch; return what they saw in the real one."""
    with torch.autocast(real.device.type, torch.bfloat16):
        truths, fakes = judges(real), judges(made)
    wrong = torch.stack(
        [
            (truth[-1].float() - 1).square().mean() + fake[-1].float().square().mean()
            for truth, fake in zip(truths, fakes, strict=True)
        ]
    ).sum()
    optimizer.zero_grad(set_to_none=True)
    wrong.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(judges.parameters(), 10)
    optimizer.step()
    return [[feature.detach() for feature in truth] for truth in truths]


class Discriminators(nn.Module):
    """Three networks over log magnitudes; each gives its layers' features and its opinion last."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.judges = nn.ModuleList(_Discriminator(width) for _ in _RESOLUTIONS)

    def forward(self, samples: Tensor) -> list[list[Tensor]]:
        """Return a list of features for each resolution."""
        return [
            judge(_magnitude(samples, window, hop).clamp(min=FLOOR).log()[:, None])
            for judge, (window, hop) in zip(self.judges, _RESOLUTIONS, strict=True)
        ]


class _Discriminator(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        shapes = [(1, (2, 1)), (width, (2, 1)), (width, (2, 2)), (width, (2, 1)), (width, (1, 1))]
        self.layers = nn.ModuleList(
            nn.utils.parametrizations.weight_norm(
                nn.Conv2d(entering, width, (7, 3), stride, padding=(3, 1))
            )
            for entering, stride in shapes
        )
        self.opinion = nn.utils.parametrizations.weight_norm(nn.Conv2d(width, 1, 3, padding=1))

    def forward(self, magnitudes: Tensor) -> list[Tensor]:
        features = []
        for layer in self.layers:
            magnitudes = nn.functional.leaky_relu(layer(magnitudes), 0.1)
            features.append(magnitudes)
        return [*features, self.opinion(magnitudes)]


def _magnitude(samples: Tensor, window: int, hop: int) -> Tensor:
    shape = torch.hann_window(window, device=samples.device)
    return torch.stft(samples, window, hop, window=shape, return_complex=True).abs()


def _spectral(made: Tensor, real: Tensor) -> Tensor:
    """Return spectral convergence and log distance, the mean of three resolutions."""
    losses = []
    for window, hop in _RESOLUTIONS:
        ours, truth = _magnitude(made, window, hop), _magnitude(real, window, hop)
        convergence = (ours - truth).norm() / truth.norm().clamp(min=1e-3)
        distance = (ours.clamp(min=1e-4).log() - truth.clamp(min=1e-4).log()).abs().mean()
        losses.append(convergence + distance)
    return torch.stack(losses).mean()
