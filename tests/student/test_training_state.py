"""A checkpoint that was brought into the universal form has lost nothing on the way."""

import json
from pathlib import Path
from typing import Any

import pytest
from midget import settings_of

from lauter.student.lora import LoraSettings
from lauter.student.train import train
from lauter.student.training_log import read_log
from lauter.student.training_state import (
    CHECKPOINTS,
    LATEST,
    TRAINING,
    needs_universal,
    newest_checkpoint,
)


def figures(output: Path) -> list[tuple[float, float]]:
    lines = (line for line in read_log(output) if line["kind"] == "train")
    return [(line["loss"], line["gradient_norm"]) for line in lines]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("zero", "precision", "rank"),
    [(2, "fp32", 0), (3, "fp32", 0), (1, "bf16", 0), (3, "bf16", 0), (3, "fp32", 2)],
)
def test_the_universal_form_loses_no_digit(
    folder: Path, zero: int, precision: str, rank: int
) -> None:
    """One process goes on from what it is told two have left: nothing is summed otherwise then.

    Three steps follow, as the first shows the weights, the second the optimizer's averages, and
    the third how it counts its steps.
    """
    others: dict[str, Any] = {"zero": zero, "precision": precision, "dropout": 0.0, "save_every": 3}
    others["lora"] = LoraSettings(rank)
    settings = settings_of(
        folder / "data", folder / f"{precision}-{zero}-{rank}", folder / "init", **others
    )
    train(settings)
    output = Path(settings.output)
    whole = figures(output)
    checkpoints = output / CHECKPOINTS
    third = checkpoints / "step-00000003"
    kept = json.loads((third / TRAINING).read_text(encoding="utf-8"))
    (third / TRAINING).write_text(json.dumps(kept | {"world": 2}), encoding="utf-8")
    (checkpoints / LATEST).write_text(third.name, encoding="utf-8")
    checkpoint = newest_checkpoint(output)
    assert checkpoint is not None and needs_universal(checkpoint, 1)
    train(settings)
    assert len(whole) == 6 and figures(output) == whole
