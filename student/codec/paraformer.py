"""The released linguistic encoder: Paraformer's, fed 240 ms at a time, but all at once.

In the release a clip goes through the network chunk by chunk: each chunk of four frames sees the
five frames before it, and in every layer the keys of the four chunks before. No layer needs what a
later chunk makes, so all chunks of a clip can go through a layer together: one batch of windows
of nine frames, whose keys are read from the windows before. The sums are the same, the wait is not.
A test holds it to what FunASR's own streaming code gave.

The checkpoint is turned once into an ONNX graph, which runs on one thread without a lock.
"""

import importlib.util
import math
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
import yaml
from torch import Tensor, nn
from torch.nn import functional

from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id
from lauter.datasets.weights import cache_folder, sha256_of
from lauter.student.codec.kaldi_features import FEATURES

CHECKPOINT: Final = "model.pt"
CONFIGURATION: Final = "config.yaml"

_CHUNK = 4
_OVERLAP = 5
_LOOK_BACK = 4
_WINDOW = _OVERLAP + _CHUNK
_OPSET = 17
_FRONT_END = {"fs": 16000, "n_mels": 80, "frame_length": 25, "frame_shift": 10,
              "lfr_m": 7, "lfr_n": 6, "window": "hamming"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of an encoder; the defaults are the release's."""

    hidden: int = 512
    heads: int = 4
    ffn: int = 2048
    layers: int = 50
    kernel: int = 11


class Encoder(nn.Module):
    """Features of 60 ms, float32 ``[1, frames, 560]``, to hidden states ``[1, frames, hidden]``.

    Names of weights are the checkpoint's.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self._hidden = shape.hidden
        self.encoders0 = nn.ModuleList([_Layer(FEATURES, shape)])
        self.encoders = nn.ModuleList(
            [_Layer(shape.hidden, shape) for _ in range(shape.layers - 1)]
        )
        self.after_norm = _norm(shape.hidden)

    def forward(self, features: Tensor) -> Tensor:
        """Return the hidden states of one clip."""
        frames = features.shape[1]
        placed = (features * math.sqrt(self._hidden) + _positions(frames))[0]
        padded = torch.cat(
            [placed.new_zeros(_OVERLAP, FEATURES), placed, placed.new_zeros(_CHUNK - 1, FEATURES)]
        )
        chunks = (frames + _CHUNK - 1) // _CHUNK
        places = torch.arange(chunks)[:, None] * _CHUNK + torch.arange(_WINDOW)
        # The zeros before a clip are heard, as in the release; those after it are not.
        heard = places < frames + _OVERLAP
        windows = padded[places]
        for layer in [*self.encoders0, *self.encoders]:
            windows = layer(windows, heard)
        hidden: Tensor = self.after_norm(windows)[:, _OVERLAP:]
        return hidden.reshape(1, -1, self._hidden)[:, :frames]


class _Layer(nn.Module):
    """Attention with a convolution beside it, then a feed-forward network; norms before each."""

    def __init__(self, size: int, shape: Shape) -> None:
        super().__init__()
        self._has_residual = size == shape.hidden
        self.self_attn = _Attention(size, shape)
        self.feed_forward = nn.ModuleDict(
            {"w_1": nn.Linear(shape.hidden, shape.ffn), "w_2": nn.Linear(shape.ffn, shape.hidden)}
        )
        self.norm1 = _norm(size)
        self.norm2 = _norm(shape.hidden)

    def forward(self, windows: Tensor, heard: Tensor) -> Tensor:
        attended = self.self_attn(self.norm1(windows), heard)
        if self._has_residual:
            attended = windows + attended
        inner = functional.relu(self.feed_forward["w_1"](self.norm2(attended)))
        found: Tensor = attended + self.feed_forward["w_2"](inner)
        return found


class _Attention(nn.Module):
    """Of each window to itself and to the frames that left the four windows before it."""

    def __init__(self, size: int, shape: Shape) -> None:
        super().__init__()
        self._heads = shape.heads
        self._head_size = shape.hidden // shape.heads
        self.linear_q_k_v = nn.Linear(size, 3 * shape.hidden)
        self.linear_out = nn.Linear(shape.hidden, shape.hidden)
        self.fsmn_block = nn.Conv1d(
            shape.hidden,
            shape.hidden,
            shape.kernel,
            padding=shape.kernel // 2,
            groups=shape.hidden,
            bias=False,
        )

    def forward(self, windows: Tensor, heard: Tensor) -> Tensor:
        queries, keys, values = self.linear_q_k_v(windows).chunk(3, dim=-1)
        silenced = values * heard[:, :, None]
        memory = self.fsmn_block(silenced.transpose(1, 2)).transpose(1, 2) + silenced
        number = torch.arange(windows.shape[0])
        may_see = [(number >= back)[:, None].expand(-1, _CHUNK) for back in _BACK] + [heard]
        scores = self._split(queries) @ self._split(_with_past(keys)).transpose(-2, -1)
        scores = scores / math.sqrt(self._head_size)
        scores = scores.masked_fill(~torch.cat(may_see, dim=1)[:, None, None], -math.inf)
        found = scores.softmax(dim=-1) @ self._split(_with_past(values))
        attended: Tensor = self.linear_out(found.transpose(1, 2).flatten(2)) + memory
        return attended

    def _split(self, rows: Tensor) -> Tensor:
        return rows.reshape(*rows.shape[:2], self._heads, self._head_size).transpose(1, 2)


_BACK = range(_LOOK_BACK, 0, -1)


def _with_past(rows: Tensor) -> Tensor:
    """Return windows with what left the four before each, ``[chunks, 16 + 9, size]``."""
    leaving = rows[:, :_CHUNK]
    none = torch.zeros_like(leaving[:1])
    past = [torch.cat([*[none] * back, leaving])[: rows.shape[0]] for back in _BACK]
    return torch.cat([*past, rows], dim=1)


def _positions(frames: int) -> Tensor:
    half = FEATURES // 2
    scales = torch.exp(torch.arange(half) * (-math.log(10000.0) / (half - 1)))
    angles = torch.arange(1, frames + 1)[:, None] * scales
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def _norm(size: int) -> nn.LayerNorm:
    return nn.LayerNorm(size, eps=1e-12)


def load_encoder(folder: Path) -> Encoder:
    """Return the encoder of a Paraformer folder (``config.yaml`` and ``model.pt``).

    Raises ``UsageError`` where they cannot be read or are of another model.
    """
    encoder = Encoder(_shape(folder / CONFIGURATION))
    path = folder / CHECKPOINT
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
        state = loaded.get("state_dict", loaded)
    except Exception as error:  # whatever a damaged archive raises
        raise UsageError(
            f"the checkpoint '{path}' cannot be read; it is damaged: fetch it again"
        ) from error
    prefix = "encoder."
    weights = {name.removeprefix(prefix): state[name] for name in state if name.startswith(prefix)}
    try:
        encoder.load_state_dict(weights)
    except RuntimeError as error:
        raise UsageError(
            f"the checkpoint '{path}' is not the encoder that its {CONFIGURATION} tells of "
            f"({str(error).splitlines()[1].strip()}); fetch both again"
        ) from error
    return encoder.eval()


def _shape(path: Path) -> Shape:
    try:
        told = yaml.safe_load(path.read_text())
        front_end, encoder = dict(told["frontend_conf"]), dict(told["encoder_conf"])
        _expect(path, front_end, _FRONT_END)
        _expect(path, encoder, {"sanm_shfit": 0, "normalize_before": True})
        return Shape(
            int(encoder["output_size"]),
            int(encoder["attention_heads"]),
            int(encoder["linear_units"]),
            int(encoder["num_blocks"]),
            int(encoder["kernel_size"]),
        )
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError, UnicodeError) as error:
        raise UsageError(
            f"'{path}' does not describe a streaming Paraformer (frontend_conf, encoder_conf); "
            "fetch it again"
        ) from error


def _expect(path: Path, told: dict[str, Any], expected: dict[str, Any]) -> None:
    for name, value in expected.items():
        if told.get(name, value) != value:
            raise UsageError(
                f"'{path}' has {name}: {told[name]}, and only {value} can be encoded with; "
                "use the Paraformer of the release"
            )


def exported(folder: Path) -> Path:
    """Return the encoder of a Paraformer folder as an ONNX graph.

    It is made at the first call (a minute for the release's 50 layers) and kept in Lauter's cache
    folder. Raises ``UsageError`` as ``load_encoder`` does.
    """
    digests = {name: sha256_of(folder / name) for name in (CHECKPOINT, CONFIGURATION)}
    kept = cache_folder() / f"linguistic-{content_id('lauter.paraformer.v1', digests)}.onnx"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
            graph = Path(scratch) / kept.name
            export(load_encoder(folder), graph)
            graph.replace(kept)
    return kept


def export(encoder: Encoder, path: Path) -> None:
    """Write an encoder as an ONNX graph: ``feats [1, frames, 560]`` to ``hidden``.

    Raises ``UsageError`` where the package ``onnx`` is not installed.
    """
    if importlib.util.find_spec("onnx") is None:
        raise UsageError(
            "to turn the released checkpoint into a graph (once) the package 'onnx' is needed; "
            "pip install 'lauter[released]'"
        )
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            encoder,
            (torch.zeros(1, 2 * _CHUNK + 1, FEATURES),),
            path,
            input_names=["feats"],
            output_names=["hidden"],
            dynamic_axes={"feats": {1: "frames"}, "hidden": {1: "frames"}},
            opset_version=_OPSET,
            dynamo=False,
        )
