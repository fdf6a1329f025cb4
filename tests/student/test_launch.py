"""Two processes train what one trains, go on where they stopped, and outlive a killed worker."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from midget import settings_of

from lauter.datasets.errors import LauterError, UsageError
from lauter.student.checkpoint import load_model
from lauter.student.launch import Evaluation, Launch, _told, _train_on_ray, launch
from lauter.student.train import train
from lauter.student.training_log import read_log

SUPPORT = Path(__file__).parent.parent / "support"


@pytest.fixture(scope="module")
def alone(folder: Path) -> Path:
    """What one process trains, without dropout: that alone hangs on the ranks."""
    settings = settings_of(folder / "data", folder / "alone", folder / "init", dropout=0.0)
    train(settings)
    return folder / "alone"


@pytest.fixture(scope="module")
def two(folder: Path) -> Path:
    """What two processes did, in ``two_processes.py``."""
    command = [
        sys.executable, "-P", "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2",
        str(SUPPORT / "two_processes.py"), *map(str, (folder / "data", folder / "init", folder)),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-4000:]
    return folder


def losses(output: Path) -> list[float]:
    return [line["loss"] for line in read_log(output) if line["kind"] == "train"]


def validations(output: Path) -> list[dict[str, Any]]:
    return [line for line in read_log(output) if line["kind"] == "valid"]


@pytest.mark.slow
@pytest.mark.parametrize("zero", [1, 2, 3])
def test_two_processes_stopped_and_resumed_lose_no_digit(two: Path, zero: int) -> None:
    assert len(losses(two / f"whole-{zero}")) == 6
    assert losses(two / f"stopped-{zero}") == losses(two / f"whole-{zero}")
    assert validations(two / f"stopped-{zero}") == validations(two / f"whole-{zero}")


@pytest.mark.slow
@pytest.mark.parametrize("zero", [2, 3])
def test_a_checkpoint_of_two_processes_goes_on_in_one(two: Path, alone: Path, zero: int) -> None:
    before = losses(two / f"moved-{zero}")
    train(settings_of(two / "data", two / f"moved-{zero}", two / "init", zero=zero, dropout=0.0))
    after = losses(two / f"moved-{zero}")
    assert after[: len(before)] == before and 3 <= len(before) < len(after) == 6
    assert after == pytest.approx(losses(alone), abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("zero", [1, 2, 3])
def test_what_is_gathered_to_speak_and_to_save_is_the_student(two: Path, zero: int) -> None:
    (last,) = validations(two / f"whole-{zero}")[-1:]
    model, facts = load_model(two / f"whole-{zero}" / "student")
    size = sum(float(weight.detach().double().abs().sum()) for weight in model.parameters())
    figures = [line["spoken/cer"] for line in validations(two / f"whole-{zero}")]
    assert size == min(figures) == facts["best"]
    assert last["spoken/cer"] == figures[-1]


@pytest.mark.slow
def test_stages_of_zero_are_one_mathematics(two: Path, alone: Path) -> None:
    for zero in (2, 3):
        assert losses(two / f"whole-{zero}") == pytest.approx(losses(alone), abs=1e-5)


@pytest.mark.slow
def test_two_processes_are_corrected_in_what_they_say_at_different_lengths(two: Path) -> None:
    whole, stopped = (read_log(two / f"spoken-{name}") for name in ("whole", "stopped"))
    spoken = [line for line in whole if "answers" in line]
    assert [line["step"] for line in spoken] == [2, 4]
    assert all(line["answers"] > 2 and line["linguistic_teacher"] > 0 for line in spoken)
    timed = ("seconds", "tokens_per_s", "mfu")
    for one, other in zip(whole, stopped, strict=True):
        assert all(one[name] == other[name] for name in one if name not in timed)


@pytest.mark.slow
def test_two_launched_processes_learn_what_one_learns(folder: Path, alone: Path) -> None:
    told: list[int] = []
    result = launch(
        settings_of(folder / "data", folder / "both", folder / "init", zero=1, dropout=0.0),
        Launch("deepspeed", 2),
        on_step=lambda figures, steps: told.append(figures["step"]),
    )
    assert losses(folder / "both") == pytest.approx(losses(alone), abs=1e-5)
    assert result.steps == 6 and told == [1, 2, 3, 4, 5, 6]
    weights = load_model(result.student)[0].state_dict()
    for name, weight in load_model(alone / "student")[0].state_dict().items():
        assert torch.allclose(weights[name], weight, atol=1e-4), name


@pytest.mark.slow
def test_what_processes_refuse_the_launcher_says(folder: Path) -> None:
    settings = settings_of(folder / "data", folder / "refused", folder / "data")
    with pytest.raises(UsageError, match="is no student"):
        launch(settings, Launch("torchrun", 1))


@pytest.mark.slow
def test_a_worker_of_ray_that_refuses_dies_once(folder: Path) -> None:
    """Its death ends those that wait for it; started again, it has nothing to do."""
    settings = settings_of(folder / "data", folder / "alone-refused", folder / "nowhere")
    job = folder / "alone-refused" / "job-1.json"
    job.parent.mkdir()
    job.write_text(json.dumps({"settings": settings.plain(), "evaluation": None}), encoding="utf-8")
    with pytest.raises(LauterError, match="refused or stopped"):
        _train_on_ray({"job": str(job)})
    _train_on_ray({"job": str(job)})
    with pytest.raises(UsageError, match="nowhere"):
        _told(job)


@pytest.mark.slow
def test_what_a_worker_of_ray_refuses_is_said_as_it_says_it(folder: Path) -> None:
    settings = settings_of(folder / "data", folder / "ray-refused", folder / "data")
    with pytest.raises(UsageError, match="is no student"):
        launch(settings, Launch("ray", 1, restarts=0))


@pytest.mark.slow
def test_on_ray_a_killed_worker_costs_the_steps_since_the_checkpoint(two: Path) -> None:
    marks = two / "marks"
    marks.mkdir()
    result = launch(
        settings_of(
            two / "data", two / "ray", two / "init", zero=1, evaluate_every=2, save_every=2
        ),
        Launch("ray", 2),
        evaluation=Evaluation("killed_once:make", {"folder": str(marks)}),
    )
    # Asked at step 2; killed at step 4; begun again after step 2: asked at 4 and at 6.
    assert len(list(marks.iterdir())) == 4
    assert result.steps == 6 and result.best == 0.5
    assert losses(two / "ray") == losses(two / "whole-1")


def test_a_launch_that_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="there is no launcher 'slurm'"):
        Launch("slurm")
    with pytest.raises(UsageError, match="trains in this process alone, not in 2"):
        Launch("none", 2)
