"""A model split over processes: each holds some of the heads and a part of every feed-forward.

The split of Megatron-LM (Shoeybi et al. 2019, section 3). Projections into heads and into the
feed-forward are cut by their outputs, those back by their inputs, so that a layer costs two sums
over all ranks and nothing else travels. The head is cut by its outputs, of which all ranks get
all. Embedding and norms lie on every rank. Queries stay with the keys and values that they share,
so a rank has whole groups of heads.

Each rank reads its part of each weight from disk, and no more: a model that fits in no one memory
is never in one. All ranks must be given the same ids in the same order (``lockstep.py``). It is for
answering only: the sums have no gradients.
"""

import math
from pathlib import Path
from typing import Final

import torch
import torch.distributed as dist
import torch.nn.functional as F  # noqa: N812 - everybody's name for it
from torch import Tensor, nn

from lauter.datasets.errors import UsageError
from lauter.student.checkpoint import Shape, read_config, stored_weights, weight_shapes
from lauter.student.model import SpeechModel
from lauter.student.presets import ModelConfig

_HEAD: Final = "lm_head"
_BY_OUTPUTS: Final = ("q_proj", "k_proj", "v_proj", "gate_proj", "up_proj", _HEAD)
_BY_INPUTS: Final = ("o_proj", "down_proj")


class SummedLinear(nn.Linear):
    """A rank's columns of a projection: it knows a part of the inputs, and all ranks add up."""

    def __init__(self, inputs: int, outputs: int, group: dist.ProcessGroup) -> None:
        super().__init__(inputs, outputs, bias=False)
        self._group = group

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the whole projection, on every rank, of this rank's part of the inputs."""
        projected = super().forward(hidden)
        dist.all_reduce(projected, group=self._group)
        return projected


class GatheredLinear(nn.Linear):
    """A rank's rows of a projection, whose outputs are put together on every rank.

    Where the outputs cannot be cut evenly, the last rows are filled up, and dropped again.
    """

    def __init__(self, inputs: int, outputs: int, group: dist.ProcessGroup) -> None:
        super().__init__(inputs, -(-outputs // group.size()), bias=False)
        self._outputs = outputs
        self._group = group

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the whole projection, on every rank."""
        mine = super().forward(hidden)
        parts = [torch.empty_like(mine) for _ in range(self._group.size())]
        dist.all_gather(parts, mine, group=self._group)
        return torch.cat(parts, -1)[..., : self._outputs]


def check_ranks(config: ModelConfig, ranks: int) -> None:
    """Raise ``UsageError`` where a model of this shape cannot be split over so many ranks."""
    common = math.gcd(config.groups, config.ffn_size)
    fitting = [number for number in range(1, common + 1) if common % number == 0]
    if ranks not in fitting:
        listed = " or ".join(map(str, fitting))
        raise UsageError(
            f"a model of {config.groups} groups of heads and a feed-forward size of "
            f"{config.ffn_size} cannot be split over {ranks} ranks evenly; set tensor_parallel to "
            f"{listed}"
        )


def part_of(name: str, shape: Shape, rank: int, ranks: int) -> tuple[slice, ...]:
    """Return which part of the weight ``name`` a rank holds: a slice of each of its dimensions."""
    kind = name.split(".")[-2]
    if kind in _BY_OUTPUTS:
        return _span(shape[0], rank, ranks), slice(0, shape[1])
    if kind in _BY_INPUTS:
        return slice(0, shape[0]), _span(shape[1], rank, ranks)
    return tuple(slice(0, size) for size in shape)


def load_split_model(
    folder: str | Path,
    group: dist.ProcessGroup,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype | None = None,
) -> SpeechModel:
    """Return this rank's part of the model in a folder, in evaluation mode; all ranks call it.

    ``dtype`` None keeps that of the file. Raises ``UsageError`` as ``load_model`` does, and where
    the model cannot be split over so many ranks.
    """
    place = Path(folder)
    config = read_config(place)
    rank, ranks = group.rank(), group.size()
    check_ranks(config, ranks)
    model = _split(config, group)
    ours = {name: value.shape for name, value in model.state_dict().items()}
    weights = {
        name: _filled(value.to(device=device, dtype=dtype or value.dtype), ours[name])
        for name, value in stored_weights(
            place, weight_shapes(config), lambda name, shape: part_of(name, shape, rank, ranks)
        )
    }
    model.load_state_dict(weights, assign=True)
    return model.eval()


def _split(config: ModelConfig, group: dist.ProcessGroup) -> SpeechModel:
    """Return a rank's model without its weights."""
    rank, ranks = group.rank(), group.size()
    with torch.device("meta"):
        model = SpeechModel(config)
        for place, whole in list(model.named_modules()):
            if not isinstance(whole, nn.Linear):
                continue
            parent, _, name = place.rpartition(".")
            inputs, outputs = whole.in_features, whole.out_features
            part: nn.Linear
            if name == _HEAD:
                part = GatheredLinear(inputs, outputs, group)
            elif name in _BY_INPUTS:
                part = SummedLinear(inputs // ranks, outputs, group)
            else:
                part = nn.Linear(inputs, outputs // ranks, bias=False)
            setattr(model.get_submodule(parent), name, part)
    model.slopes = model.slopes[_span(config.heads, rank, ranks)]
    return model


def _span(size: int, rank: int, ranks: int) -> slice:
    width = -(-size // ranks)
    return slice(min(rank * width, size), min((rank + 1) * width, size))


def _filled(value: Tensor, shape: torch.Size) -> Tensor:
    """Return a weight with rows of zeros behind its own, where it has less than its place."""
    missing = shape[0] - value.shape[0]
    return F.pad(value, (0, 0, 0, missing)) if missing else value
