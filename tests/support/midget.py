"""A student of hidden size 32 and two layers, and how it is trained in the tests."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from lauter.student.batches import BatchSettings
from lauter.student.checkpoint import save_model
from lauter.student.model import build
from lauter.student.presets import PRESETS
from lauter.student.training_settings import TrainSettings

SHAPE = replace(
    PRESETS["tiny"],
    hidden_size=32, layers=2, heads=2, head_size=16, groups=1, ffn_size=64, context=512,
)  # fmt: skip


def midget(folder: Path) -> Path:
    """Write the student to begin with."""
    save_model(build(SHAPE, seed=0), folder, {})
    return folder


def settings_of(data: Path, output: Path, init: Path, **others: Any) -> TrainSettings:
    """Six steps of two packs each, with all that draws lots: dropout and hidden history."""
    plain: dict[str, Any] = {
        "data": str(data), "output": str(output), "init": str(init), "preset": None, "steps": 6,
        "dropout": 0.1, "warm_up": 2, "evaluate_every": 0, "save_every": 100, "threads": 1,
        "tensorboard": False,
        "batches": BatchSettings(batch_tokens=400, micro_tokens=200, history_masking=0.3),
    }  # fmt: skip
    return TrainSettings(**(plain | others))
