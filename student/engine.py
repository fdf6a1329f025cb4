"""DeepSpeed round the student: how it is set up, and how weights come back out of it.

The optimizer is PyTorch's own and handed in, so nothing is compiled, and the gradient is summed in
float32 whatever the weights are. Loss and averages are ours: a rank's loss is given back as the sum
over its places, times the number of ranks, through the count of places on all of them, and
DeepSpeed's mean over ranks makes that the exact mean over places.
"""

import logging
import os
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import torch
from torch import Tensor, nn

from lauter.datasets.layout import Vocabulary
from lauter.student.batches import Batch
from lauter.student.distill import (
    LossSettings,
    TeacherTop,
    distillation_loss,
    distillation_loss_of_hidden,
)
from lauter.student.lora import adapters
from lauter.student.model import SpeechModel
from lauter.student.training_settings import TrainSettings

# Before DeepSpeed is imported: without it a machine that has no accelerator is searched for one.
if not torch.cuda.is_available():
    os.environ.setdefault("DS_ACCELERATOR", "cpu")

BUCKET: Final = 50_000_000
"""Most gradients that are reduced at once; DeepSpeed sets aside memory for all of it."""

Engine: TypeAlias = Any
"""DeepSpeed has no types."""


class Objective(nn.Module):
    """The student and its loss in one module: the head works at target places alone."""

    def __init__(
        self, model: SpeechModel, settings: LossSettings, vocabulary: Vocabulary, *, whole: bool
    ) -> None:
        """Take a model; ``whole`` says that its weights lie unpartitioned in every process."""
        super().__init__()
        self.model = model
        self._settings = settings
        self._vocabulary = vocabulary
        self._whole = whole

    def forward(
        self,
        batch: Batch,
        teacher: TeacherTop | Tensor | None = None,
        settings: LossSettings | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return the loss summed over places, and ``Loss.sums`` of the batch.

        ``settings`` are this batch's, where it has others than the run.
        """
        hidden = self.model.hidden(batch.ids, batch.segments).flatten(0, 1)[batch.places]
        how = settings or self._settings
        rest = (batch.targets, batch.slots, how, self._vocabulary, teacher)
        if self._whole:
            loss = distillation_loss_of_hidden(hidden, self.model.lm_head.weight, *rest)
        else:
            loss = distillation_loss(self.model.head(hidden), *rest)
        return loss.total, loss.sums()


def open_engine(
    settings: TrainSettings,
    objective: Objective,
    *,
    rows: int,
    accumulation: int,
    universal: bool,
) -> Engine:
    """Return the engine; ``rows`` and ``accumulation``: what a rank takes at once, and how often.

    ``universal`` says that the checkpoint to be loaded is a universal one. The process group must
    be there already.
    """
    import deepspeed

    logging.getLogger("DeepSpeed").setLevel(logging.ERROR)
    # Else the first run on a CPU compiles an all-reduce through shared memory, for a minute or two.
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    learning = [weight for weight in objective.parameters() if weight.requires_grad]
    decayed = [weight for weight in learning if weight.ndim > 1]
    others = [weight for weight in learning if weight.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": settings.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=settings.learning_rate,
        betas=settings.betas,
    )
    engine, *_ = deepspeed.initialize(
        model=objective,
        optimizer=optimizer,
        config=deepspeed_config(settings, rows, accumulation, universal=universal),
        dist_init_required=False,
    )
    return engine


def deepspeed_config(
    settings: TrainSettings, rows: int, accumulation: int, *, universal: bool
) -> dict[str, Any]:
    """Return DeepSpeed's configuration."""
    zero: dict[str, Any] = {
        "stage": settings.zero,
        "reduce_bucket_size": BUCKET,
        "allgather_bucket_size": BUCKET,
    }
    if settings.offload != "none":
        zero["offload_optimizer"] = {"device": "cpu"}
    if settings.offload == "all":
        zero["offload_param"] = {"device": "cpu"}
    return {
        "train_micro_batch_size_per_gpu": rows,
        "gradient_accumulation_steps": accumulation,
        "gradient_clipping": settings.clip,
        "zero_optimization": zero,
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": False,
        "bf16": {"enabled": settings.precision == "bf16"},
        "data_types": {"grad_accum_dtype": "fp32"},
        "checkpoint": {"load_universal": universal},
        "steps_per_print": None,
    }


def gradient_norm(engine: Engine) -> float:
    """Return the norm of the step's gradient, before clipping.

    To be asked after ``engine.step``; without ZeRO and in float32 before it, as DeepSpeed keeps
    none then.
    """
    if keeps_norm(engine):
        return float(engine.get_global_grad_norm())
    gradients = [weight.grad for weight in engine.module.parameters() if weight.grad is not None]
    return float(torch.nn.utils.get_total_norm(gradients))


def keeps_norm(engine: Engine) -> bool:
    """Whether the engine's optimizer notes the norm of the gradients that it applied.

    DeepSpeed's own do, some of them only from their first step on; PyTorch's does not.
    """
    return not isinstance(engine.optimizer, torch.optim.Optimizer)


def whole_weights(engine: Engine, *, keep: bool) -> dict[str, Tensor]:
    """Return the student's weights out of whatever pieces they lie in, under their own names.

    All ranks must call it, as under ZeRO-3 each weight is gathered for a moment; only those with
    ``keep`` get copies, in the host's memory, the others an empty mapping.
    """
    weights: dict[str, Tensor] = {}
    for name, weight in _gathered(engine):
        if keep:
            weights[name] = weight.to("cpu", copy=True)
    return weights


def copy_weights(engine: Engine, into: SpeechModel | None) -> None:
    """Bring a plain model of the student's shape to the weights that the student has now.

    All ranks must call it, those without a model (None) too.
    """
    theirs = dict(into.named_parameters()) if into is not None else {}
    for name, weight in _gathered(engine):
        if theirs:
            theirs[name].data.copy_(weight)


def _gathered(engine: Engine) -> Iterator[tuple[str, Tensor]]:
    """Yield the student's weights by name, each of which is whole until the next is asked for.

    What adapters add to a weight is in it.
    """
    import deepspeed

    model = engine.module.model
    adapted = adapters(model)
    for name, weight in model.named_parameters():
        place, _, part = name.rpartition(".")
        adapter = adapted.get(place)
        if adapter is not None and part != "weight":
            continue
        parts = [weight] if adapter is None else list(adapter.parameters())
        with deepspeed.zero.GatheredParameters(parts, enabled=hasattr(weight, "ds_id")):
            yield name, weight.detach() if adapter is None else adapter.merged_weight()
