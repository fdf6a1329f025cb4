"""What a training run is told: typed, checked, and as JSON for the processes that it starts."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from lauter.datasets.errors import UsageError
from lauter.student.batches import BatchSettings
from lauter.student.distill import LossSettings
from lauter.student.divergence import DIVERGENCES
from lauter.student.edit_examples import Task
from lauter.student.generation import Sampling
from lauter.student.lora import LoraSettings
from lauter.student.mixture import Mixture
from lauter.student.presets import PRESETS

PRECISIONS: Final = ("fp32", "bf16")
OFFLOADS: Final = ("none", "optimizer", "all")


@dataclass(frozen=True)
class OnPolicySettings:
    """In which steps, and by whom, the student is corrected in what it says itself.

    In a ``share`` of the steps, spread evenly, it answers the batches' prompts, drawing at
    ``temperature`` (1: as it believes), with at most ``longest`` times the codes that the data has
    for each. ``teacher`` is the folder of a student that says what should have followed, and the
    loss its divergence of this ``kind``.
    """

    share: float = 0.0
    teacher: str | None = None
    kind: str = "reverse_kl"
    temperature: float = 1.0
    longest: float = 2.0

    def __post_init__(self) -> None:
        """Raise ``UsageError`` for settings by which nothing can be said or corrected."""
        if not 0 <= self.share <= 1:
            raise UsageError(
                f"distill.on_policy.share is {self.share:g}; set a share of the steps, 0 to 1"
            )
        if self.share and self.teacher is None:
            raise UsageError(
                "on-policy steps want a teacher; set distill.on_policy.teacher to the folder of a "
                "student that `lauter distill` trained, or distill.on_policy.share=0"
            )
        if self.kind not in DIVERGENCES:
            raise UsageError(
                f"there is no divergence '{self.kind}'; set distill.on_policy.kind to "
                f"one of {', '.join(DIVERGENCES)}"
            )
        if not self.longest > 0:
            raise UsageError(f"distill.on_policy.longest is {self.longest:g}; set a factor above 0")
        Sampling(temperature=self.temperature)


BYTES: Final = "bytes"
PAIRS: Final = "pairs"
"""The tokenizers that are no folder of a student."""


@dataclass(frozen=True)
class TrainSettings:
    """A run of distillation: ``data`` is an export, ``output`` the folder of all that it makes.

    ``task`` is what is learnt of it: to say its texts (``speech``), to edit (``edit``) or ``both``.
    Training ends after ``steps``, or else after ``epochs``; a run whose ``output`` holds a
    checkpoint goes on from it. The rate warms up over ``warm_up`` steps and falls from
    ``learning_rate`` to ``least_learning_rate`` along a cosine. ``init`` is a student's folder to
    begin with, which must be of the ``preset``, or of any size where that is None; it keeps its
    tokenizer. New weights read by ``tokenizer``: ``bytes``; ``pairs`` of them, learnt from the
    training texts until there are ``text_size`` ids; or as the student in this folder does.
    ``zero`` is DeepSpeed's stage (bf16 wants 1 or more); ``offload`` puts the optimizer's state, or
    weights too (``all``, stage 3), into the host's memory. Every ``save_every`` steps a checkpoint
    is written, of which the last ``keep`` stay; every ``evaluate_every`` steps the split
    ``valid_split`` is evaluated (0: never). After ``patience`` evaluations without a better one
    training stops (0: never). With ``lora.rank`` above 0 the student of ``init`` stays as it is and
    only adapters learn; the student that is written has them in its weights.
    ``threads`` are those of one process on a CPU (0: PyTorch's choice).
    """

    data: str
    output: str
    task: str = Task.SPEECH.value
    preset: str | None = "tiny"
    init: str | None = None
    tokenizer: str = "bytes"
    text_size: int = 512
    dropout: float = 0.0
    seed: int = 0
    steps: int | None = 1000
    epochs: int | None = None
    learning_rate: float = 2e-3
    least_learning_rate: float = 1e-4
    warm_up: int = 50
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 0.1
    clip: float = 1.0
    precision: str = "fp32"
    zero: int = 0
    offload: str = "none"
    checkpoint_activations: bool = False
    save_every: int = 200
    keep: int = 2
    evaluate_every: int = 200
    patience: int = 0
    train_split: str = "train"
    valid_split: str = "valid"
    threads: int = 0
    tensorboard: bool = True
    batches: BatchSettings = field(default_factory=BatchSettings)
    loss: LossSettings = field(default_factory=LossSettings)
    on_policy: OnPolicySettings = field(default_factory=OnPolicySettings)
    lora: LoraSettings = field(default_factory=LoraSettings)

    def __post_init__(self) -> None:
        """Raise ``UsageError`` for settings that cannot be trained with."""
        if self.preset is None and self.init is None:
            raise UsageError(
                "new weights need a size; set distill.preset to one of " + ", ".join(PRESETS)
            )
        if self.preset is not None and self.preset not in PRESETS:
            raise UsageError(
                f"there is no student '{self.preset}'; set distill.preset to one of "
                f"{', '.join(PRESETS)}"
            )
        if (self.steps is None) == (self.epochs is None):
            raise UsageError(
                "training ends by steps or by epochs; set one of distill.steps and distill.epochs, "
                "and the other to null"
            )
        if self.lora.rank and self.init is None:
            raise UsageError(
                "adapters want a student to adapt, as new weights have learnt nothing yet; set "
                "distill.init to its folder, or distill.lora.rank=0"
            )
        _chosen("task", self.task, tuple(Task))
        if self.task != Task.SPEECH and (self.loss.wants_teacher or self.on_policy.share):
            raise UsageError(
                f"distill.task={self.task} learns from codes alone, as no teacher has answered to "
                "edits; set distill.loss.kind=sequence and distill.on_policy.share=0"
            )
        _chosen("precision", self.precision, PRECISIONS)
        _chosen("offload", self.offload, OFFLOADS)
        if self.zero not in range(4):
            raise UsageError(f"distill.zero is {self.zero}; DeepSpeed's stages are 0, 1, 2 and 3")
        if self.precision == "bf16" and not self.zero:
            raise UsageError(
                "bf16 wants a stage that keeps the weights in float32 beside; "
                "set distill.zero=1 or more"
            )
        if (self.offload == "optimizer" and not self.zero) or (
            self.offload == "all" and self.zero != 3
        ):
            raise UsageError(
                f"distill.offload={self.offload} does not go with distill.zero={self.zero}; "
                "the optimizer's state needs stage 1 or more, weights need stage 3"
            )
        high, low = self.learning_rate, self.least_learning_rate
        if not 0 < high < math.inf or not 0 <= low <= high:
            raise UsageError(
                f"distill.learning_rate {high:g} falls to distill.least_learning_rate {low:g}; "
                "set the first above 0 and the second not above it"
            )
        least = {"steps": 1, "epochs": 1, "save_every": 1, "keep": 1, "warm_up": 0,
                 "evaluate_every": 0, "patience": 0, "threads": 0}  # fmt: skip
        for name, figure in least.items():
            value = getattr(self, name)
            if value is not None and value < figure:
                raise UsageError(f"distill.{name} is {value}; set {figure} or more")
        if not 0 <= self.seed < 2**32:
            raise UsageError(f"distill.seed is {self.seed}; set 0 to {2**32 - 1}")
        if not 0 <= self.weight_decay < math.inf:
            raise UsageError(f"distill.weight_decay is {self.weight_decay:g}; set 0 or more")
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise UsageError(
                f"distill.betas are {list(self.betas)}; set two shares from 0 to below 1"
            )
        if not 0 <= self.dropout < 1:
            raise UsageError(f"distill.dropout is {self.dropout:g}; set a share from 0 to below 1")
        if self.patience and not self.evaluate_every:
            raise UsageError(
                f"distill.patience={self.patience} waits for evaluations, and "
                "distill.evaluate_every=0 makes none; set one of them otherwise"
            )
        if not self.clip > 0:
            raise UsageError(
                f"distill.clip is {self.clip:g}; set the gradient's greatest norm, above 0"
            )

    def plain(self) -> dict[str, Any]:
        """Return these settings as JSON can say them."""
        return asdict(self)


def settings_from(plain: Mapping[str, Any]) -> TrainSettings:
    """Return the settings that ``plain`` wrote."""
    batches = dict(plain["batches"])
    batches["mixture"] = Mixture(**batches.get("mixture", {}))
    lora = plain["lora"] | {"targets": tuple(plain["lora"]["targets"])}
    return TrainSettings(
        **{
            **plain,
            "betas": tuple(plain["betas"]),
            "batches": BatchSettings(**batches),
            "loss": LossSettings(**plain["loss"]),
            "on_policy": OnPolicySettings(**plain["on_policy"]),
            "lora": LoraSettings(**lora),
        }
    )


def _chosen(name: str, word: str, choices: tuple[str, ...]) -> None:
    if word not in choices:
        raise UsageError(f"distill.{name} is '{word}'; choose {' or '.join(choices)}")


def learning_rate(settings: TrainSettings, step: int, steps: int) -> float:
    """Return the rate of a step, counted from 0, of so many in all."""
    high, low = settings.learning_rate, settings.least_learning_rate
    if step < settings.warm_up:
        return high * (step + 1) / settings.warm_up
    along = min((step - settings.warm_up) / max(steps - settings.warm_up, 1), 1.0)
    return low + (high - low) * 0.5 * (1 + math.cos(math.pi * along))
