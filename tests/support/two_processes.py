"""What each of two processes does in ``test_launch.py``: every stage of ZeRO, whole and stopped.

    torchrun … two_processes.py DATA INIT FOLDER

For each stage: six steps at once into ``whole-N``; then into ``stopped-N`` three steps, when
SIGTERM on one rank alone ends it, and the rest; ``moved-N`` is what lay there when it had stopped,
for others to go on from. Stage 1 has dropout, which draws other lots in each process;
the others have none, so that one process can be their reference. At last, under ZeRO-3, four steps
of which every other one is on-policy: ``spoken-whole``, and ``spoken-stopped`` after the third.
"""

import os
import shutil
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from midget import settings_of

from lauter.datasets.text_tokens import TextTokenizer
from lauter.student.model import SpeechModel
from lauter.student.train import train
from lauter.student.training_settings import OnPolicySettings, TrainSettings


def stop_after_three(figures: Mapping[str, float], steps: int) -> None:
    if figures["pack"] >= 6:
        os.kill(os.getpid(), signal.SIGTERM)


def spoken(model: SpeechModel, tokenizer: TextTokenizer) -> dict[str, float]:
    """A figure that all of the gathered weights take part in, and some lots are drawn for."""
    torch.rand(3)
    return {"cer": sum(float(weight.double().abs().sum()) for weight in model.parameters())}


def main(data: Path, init: Path, folder: Path) -> None:
    for zero in (1, 2, 3):
        more: dict[str, Any] = {"zero": zero, "evaluate_every": 2}
        if zero > 1:
            more["dropout"] = 0.0
        train(settings_of(data, folder / f"whole-{zero}", init, **more), speak_evaluation=spoken)
        stopped = settings_of(data, folder / f"stopped-{zero}", init, **more)
        stop(stopped)
        if zero > 1 and dist.get_rank() == 0:
            shutil.copytree(folder / f"stopped-{zero}", folder / f"moved-{zero}")
        dist.barrier()
        train(stopped, speak_evaluation=spoken)
    asked = OnPolicySettings(0.5, str(folder / "whole-1" / "student"))
    more = {"zero": 3, "steps": 4, "on_policy": asked}
    train(settings_of(data, folder / "spoken-whole", init, **more))
    stopped = settings_of(data, folder / "spoken-stopped", init, **more)
    stop(stopped)
    train(stopped)
    dist.barrier()
    dist.destroy_process_group()


def stop(settings: TrainSettings) -> None:
    try:
        train(settings, speak_evaluation=spoken, on_step=stop_after_three)
    except KeyboardInterrupt:
        return
    raise AssertionError("it did not stop")


if __name__ == "__main__":
    main(*(Path(word) for word in sys.argv[1:]))
