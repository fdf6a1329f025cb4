"""Low-rank adapters: fine-tune a student by a few per cent of its weights.

A chosen projection W becomes ``W + alpha / rank * up @ down``, with ``up`` zero at first, so that
the model begins as it was. Only ``down`` and ``up`` learn. Merged, the model is an ordinary one
again: a run with adapters writes such a student, so whoever loads it needs to know nothing of
them. Adapters can be saved apart, too, in the layout and under the names of the PEFT library.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
import torch.nn.functional as F  # noqa: N812 - everybody's name for it
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from lauter.datasets.errors import UsageError
from lauter.datasets.whole_folder import written_whole
from lauter.student.model import SpeechModel
from lauter.student.tensors import write_tensors

PROJECTIONS: Final = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
CONFIG: Final = "adapter_config.json"
WEIGHTS: Final = "adapter_model.safetensors"


@dataclass(frozen=True, slots=True)
class LoraSettings:
    """Which projections (``targets``) are adapted, by how many dimensions, and how strongly.

    ``rank`` 0 adapts nothing: then all weights learn. What is added is scaled by ``alpha / rank``.
    """

    rank: int = 0
    alpha: float = 32.0
    targets: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj")

    def __post_init__(self) -> None:
        """Raise ``UsageError`` for settings by which nothing can be adapted."""
        unknown = [name for name in self.targets if name not in PROJECTIONS]
        if unknown or not self.targets:
            what = f"'{unknown[0]}' is no projection" if unknown else "no projection is named"
            raise UsageError(
                f"{what} to adapt; set distill.lora.targets to some of {', '.join(PROJECTIONS)}"
            )
        if self.rank < 0:
            raise UsageError(
                f"distill.lora.rank is {self.rank}; set 1 or more, or 0 to adapt nothing"
            )
        if not 0 < self.alpha < math.inf:
            raise UsageError(f"distill.lora.alpha is {self.alpha:g}; set a factor above 0")


class AdaptedLinear(nn.Module):
    """A projection and what is added to it; ``weight`` keeps its name in the state dict."""

    def __init__(self, plain: nn.Linear, settings: LoraSettings) -> None:
        super().__init__()
        self.weight = plain.weight
        self.scale = settings.alpha / settings.rank
        self.down = nn.Parameter(plain.weight.new_empty(settings.rank, plain.in_features))
        self.up = nn.Parameter(plain.weight.new_zeros(plain.out_features, settings.rank))

    def forward(self, hidden: Tensor) -> Tensor:
        """Project ``[..., inputs]`` to ``[..., outputs]``."""
        added = F.linear(F.linear(hidden, self.down), self.up)
        return F.linear(hidden, self.weight) + self.scale * added

    @torch.no_grad()
    def merged_weight(self) -> Tensor:
        """Return the weight of one projection that does the same, ``[outputs, inputs]``.

        It is summed in float32: in bfloat16 most of what was learnt would be rounded away.
        """
        added = self.up.float() @ self.down.float()
        return (self.weight.float() + self.scale * added).to(self.weight.dtype)

    def merged(self) -> nn.Linear:
        """Return one projection that does the same."""
        outputs, inputs = self.weight.shape
        plain = nn.Linear(inputs, outputs, bias=False, device="meta")
        plain.weight = nn.Parameter(self.merged_weight())
        return plain


def add_adapters(model: SpeechModel, settings: LoraSettings, *, seed: int) -> SpeechModel:
    """Adapt a model in place and return it; from now on only the adapters learn.

    Raises ``UsageError`` for a rank of 0.
    """
    if settings.rank < 1:
        raise UsageError(
            "an adapter of rank 0 can learn nothing; set distill.lora.rank to 1 or more"
        )
    model.requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    for parent, name, plain in list(_projections(model, nn.Linear, settings.targets)):
        adapted = AdaptedLinear(plain, settings)
        bound = 1 / math.sqrt(plain.in_features)
        begun = torch.empty(adapted.down.shape).uniform_(-bound, bound, generator=generator)
        with torch.no_grad():
            adapted.down.copy_(begun)
        setattr(parent, name, adapted)
    return model


def merge_adapters(model: SpeechModel) -> SpeechModel:
    """Put the adapters of a model into its weights, in place, and return it; all of it learns."""
    for parent, name, adapted in list(_projections(model, AdaptedLinear, PROJECTIONS)):
        setattr(parent, name, adapted.merged())
    return model.requires_grad_(True)


def adapters(model: SpeechModel) -> dict[str, AdaptedLinear]:
    """Return the adapted projections of a model by their names."""
    modules = model.named_modules()
    return {name: module for name, module in modules if isinstance(module, AdaptedLinear)}


def save_adapters(model: SpeechModel, folder: str | Path, settings: LoraSettings) -> None:
    """Write the adapters alone; raises ``UsageError`` where the folder holds something else."""
    weights = {
        f"base_model.model.{place}.lora_{letter}.weight": value.detach().contiguous()
        for place, adapted in adapters(model).items()
        for letter, value in (("A", adapted.down), ("B", adapted.up))
    }
    described = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": settings.rank,
        "lora_alpha": settings.alpha,
        "target_modules": list(settings.targets),
        "bias": "none",
        "lora_dropout": 0.0,
    }
    with written_whole(
        Path(folder), overwrite=True, marks=[CONFIG], others=[WEIGHTS], kind="adapter"
    ) as new:
        write_tensors(weights, new / WEIGHTS)
        (new / CONFIG).write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")


def load_adapters(model: SpeechModel, folder: str | Path) -> LoraSettings:
    """Adapt a model in place with the adapters of a folder, and return their settings.

    Raises ``UsageError`` where there are none, or they are of a model of another shape.
    """
    place = Path(folder)
    settings, weights = _read(place)
    add_adapters(model, settings, seed=0)
    for name, adapted in adapters(model).items():
        for letter, value in (("A", adapted.down), ("B", adapted.up)):
            found = weights.pop(f"base_model.model.{name}.lora_{letter}.weight", None)
            if found is None or found.shape != value.shape:
                raise UsageError(
                    f"the adapters in {place} do not fit {name} of this model; "
                    "load them into the one they were trained on"
                )
            value.data.copy_(found)
    if weights:
        raise UsageError(
            f"the adapters in {place} have {len(weights)} weights more than this model has places; "
            "load them into the one they were trained on"
        )
    return settings


def _read(folder: Path) -> tuple[LoraSettings, dict[str, Tensor]]:
    try:
        described: Mapping[str, Any] = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        settings = LoraSettings(
            int(described["r"]), float(described["lora_alpha"]), tuple(described["target_modules"])
        )
        return settings, load_file(folder / WEIGHTS)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise UsageError(
            f"{folder} holds no adapters that can be read ({error}); name the folder in which "
            "they were saved"
        ) from error


def _projections(
    model: SpeechModel, kind: type[Any], names: Sequence[str]
) -> Iterator[tuple[nn.Module, str, Any]]:
    for parent in model.modules():
        for name, child in parent.named_children():
            if name in names and isinstance(child, kind):
                yield parent, name, child
