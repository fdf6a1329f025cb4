"""The student: a decoder-only transformer over text and speech codes, read top to bottom.

RMSNorm before each block, SwiGLU, grouped queries, no biases, no positions but the distance
penalty of ``attention.py``, a head of its own: the architecture of Step-Audio-TTS-3B. The names of
the modules are those of the published weights, so a state dict needs no translation.

This file is mathematics only. Parallelism, precision and files are applied from outside.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - everybody's name for it
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from lauter.student import attention
from lauter.student.attention import Attend
from lauter.student.presets import ModelConfig


@dataclass
class KeyValueCache:
    """What a model remembers of the ids it was given, so that the next ones cost only themselves.

    ``keys`` and ``values`` are ``[layers, batch, groups, capacity, head size]``, ``segments`` int
    ``[batch, capacity]``; the first ``length`` places are filled. ``SpeechModel.empty_cache`` makes
    one.
    """

    keys: Tensor
    values: Tensor
    segments: Tensor
    length: int = 0

    def keep(self, rows: Tensor) -> None:
        """Forget all rows but these (int ``[rows]``), which are from now on numbered so."""
        self.keys = self.keys[:, rows]
        self.values = self.values[:, rows]
        self.segments = self.segments[rows]

    def grow(self, places: int) -> None:
        """Make room for so many ids more of each row."""
        self.keys = F.pad(self.keys, (0, 0, 0, places))
        self.values = F.pad(self.values, (0, 0, 0, places))
        self.segments = F.pad(self.segments, (0, places))

    def extend(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Store a layer's new keys and values after the filled places; return all of them."""
        end = self.length + keys.shape[2]
        self.keys[layer, :, :, self.length : end] = keys
        self.values[layer, :, :, self.length : end] = values
        return self.keys[layer, :, :, :end], self.values[layer, :, :, :end]


class Attention(nn.Module):
    """Heads of queries that share fewer heads of keys and values."""

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        self.layer = layer
        self.head_size = config.head_size
        shared = config.groups * config.head_size
        self.q_proj = nn.Linear(config.hidden_size, config.hidden_size, bias=False)
        self.k_proj = nn.Linear(config.hidden_size, shared, bias=False)
        self.v_proj = nn.Linear(config.hidden_size, shared, bias=False)
        self.o_proj = nn.Linear(config.hidden_size, config.hidden_size, bias=False)

    def forward(self, hidden: Tensor, attend: Attend, cache: KeyValueCache | None) -> Tensor:
        """Mix ``hidden`` ``[batch, time, hidden]`` with what each place may see."""
        queries = self._in_heads(self.q_proj(hidden))
        keys = self._in_heads(self.k_proj(hidden))
        values = self._in_heads(self.v_proj(hidden))
        if cache is not None:
            keys, values = cache.extend(self.layer, keys, values)
        mixed = attend(queries, keys, values).transpose(1, 2).flatten(2)
        projected: Tensor = self.o_proj(mixed)
        return projected

    def _in_heads(self, projected: Tensor) -> Tensor:
        batch, time, _ = projected.shape
        return projected.view(batch, time, -1, self.head_size).transpose(1, 2)


class FeedForward(nn.Module):
    """SwiGLU."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden_size, config.ffn_size, bias=False)
        self.up_proj = nn.Linear(config.hidden_size, config.ffn_size, bias=False)
        self.down_proj = nn.Linear(config.ffn_size, config.hidden_size, bias=False)

    def forward(self, hidden: Tensor) -> Tensor:
        """Transform each place by itself."""
        projected: Tensor = self.down_proj(F.silu(self.gate_proj(hidden)) * self.up_proj(hidden))
        return projected


class Layer(nn.Module):
    """Attention and feed-forward, each on a normed copy that is added back."""

    def __init__(self, config: ModelConfig, number: int) -> None:
        super().__init__()
        self.self_attn = Attention(config, number)
        self.mlp = FeedForward(config)
        self.input_layernorm = nn.RMSNorm(config.hidden_size, config.norm_epsilon)
        self.post_attention_layernorm = nn.RMSNorm(config.hidden_size, config.norm_epsilon)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, hidden: Tensor, attend: Attend, cache: KeyValueCache | None) -> Tensor:
        """Return ``hidden`` ``[batch, time, hidden]`` one layer further."""
        mixed = self.self_attn(self.input_layernorm(hidden), attend, cache)
        hidden = hidden + self.dropout(mixed)
        added: Tensor = self.dropout(self.mlp(self.post_attention_layernorm(hidden)))
        return hidden + added


class Decoder(nn.Module):
    """Embedding, layers and the last norm."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocabulary_size, config.hidden_size)
        self.layers = nn.ModuleList(Layer(config, number) for number in range(config.layers))
        self.norm = nn.RMSNorm(config.hidden_size, config.norm_epsilon)
        self.dropout = nn.Dropout(config.dropout)


class SpeechModel(nn.Module):
    """Foretells the next id of dialogues of text and speech.

    ``checkpoint_activations`` makes training forget what lies within a layer and compute it again
    on the way back: about a third more work for a fraction of the memory. ``slopes`` are those of
    the heads that are here: all of them, but in a model that is split over processes.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.checkpoint_activations = False
        self.slopes = attention.slopes(config.heads)
        self.model = Decoder(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocabulary_size, bias=False)

    def hidden(
        self, ids: Tensor, segments: Tensor | None = None, cache: KeyValueCache | None = None
    ) -> Tensor:
        """Return what stands before the head, ``[batch, time, hidden]``.

        ``ids`` is int64 ``[batch, time]``; ``segments``, of the same shape, says which ids belong
        together: each run of equal numbers is a segment and sees only itself; 0 is padding, whose
        figures mean nothing. Without it a row is one segment. With a ``cache``, ``ids`` go on after
        what it holds, and are added to it.
        """
        attend = self._attention(ids, segments, cache)
        hidden = self.model.dropout(self.model.embed_tokens(ids))
        for layer in self.model.layers:
            if self.checkpoint_activations and self.training:
                hidden = checkpoint(layer, hidden, attend, cache, use_reentrant=False)
            else:
                hidden = layer(hidden, attend, cache)
        if cache is not None:
            cache.length += ids.shape[1]
        normed: Tensor = self.model.norm(hidden)
        return normed

    def head(self, hidden: Tensor) -> Tensor:
        """Return the logits ``[..., vocabulary]`` of ``hidden`` ``[..., hidden]``.

        With a vocabulary larger than the model is wide this is where the time goes, so training
        calls it for the places alone that are to be learnt.
        """
        logits: Tensor = self.lm_head(hidden)
        return logits

    def forward(
        self, ids: Tensor, segments: Tensor | None = None, cache: KeyValueCache | None = None
    ) -> Tensor:
        """Return the logits of the id after each place, ``[batch, time, vocabulary]``."""
        return self.head(self.hidden(ids, segments, cache))

    def empty_cache(self, batch: int, capacity: int) -> KeyValueCache:
        """Return a cache with room for ``capacity`` ids of each row, where the weights are."""
        config, weight = self.config, self.lm_head.weight
        groups = config.groups * len(self.slopes) // config.heads
        shape = (config.layers, batch, groups, capacity, config.head_size)
        return KeyValueCache(
            torch.zeros(shape, device=weight.device, dtype=weight.dtype),
            torch.zeros(shape, device=weight.device, dtype=weight.dtype),
            torch.zeros((batch, capacity), device=weight.device, dtype=torch.long),
        )

    def _attention(
        self, ids: Tensor, segments: Tensor | None, cache: KeyValueCache | None
    ) -> Attend:
        """Return how this call's queries see its keys; all layers share it."""
        slopes, dtype = self.slopes, self.model.norm.weight.dtype
        if cache is not None:
            end = cache.length + ids.shape[1]
            cache.segments[:, cache.length : end] = 1 if segments is None else segments
            so_far = cache.segments[:, :end]
            return attention.plain(slopes, so_far[:, cache.length :], so_far, dtype)
        if segments is None:
            segments = torch.ones_like(ids[:1])
        elif not ids.is_cuda and segments.any():
            return attention.by_segment(slopes, segments, dtype)
        if ids.is_cuda and ids.shape[1] >= attention.FLEX_FROM:
            return attention.flex(slopes, segments.expand_as(ids))
        return attention.plain(slopes, segments, segments, dtype)


def build(
    config: ModelConfig,
    *,
    seed: int | None,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> SpeechModel:
    """Return a new model; the same seed gives the same weights on every device.

    Without a seed the weights are whatever lies in memory: for those who load theirs. A matrix
    begins with a deviation of one over the root of its inputs (about the 0.02 of the released
    models at their width, and right for narrow ones), those that end a block with less, so that
    the sum over all layers has the same size at any depth.
    """
    with torch.device("meta"):
        model = SpeechModel(config).to(dtype)
    if torch.device(device).type == "meta":
        return model
    model = model.to_empty(device=device)
    if seed is not None:
        _initialise(model, torch.Generator().manual_seed(seed))
    return model


@torch.no_grad()
def _initialise(model: SpeechModel, generator: torch.Generator) -> None:
    for name, weight in model.named_parameters():
        if weight.ndim == 1:
            weight.fill_(1.0)
            continue
        deviation = weight.shape[1] ** -0.5
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            deviation *= (2 * model.config.layers) ** -0.5
        weight.copy_(torch.empty(weight.shape).normal_(0.0, deviation, generator=generator))
