"""Checkpoints: all that a run needs to go on as if it had never stopped.

A checkpoint is a folder ``checkpoints/step-…``: DeepSpeed's files (weights, optimizer), every
rank's random generators, and ``training.json`` (the position in the data, and what the run is
bound to). ``checkpoints/latest`` names the newest whole one and is written last, so a process
killed while saving costs that checkpoint and no other.

With another number of processes a partitioned checkpoint is first brought into DeepSpeed's
universal form; from there on the run is exact again, but not equal to the last digit to one that
never changed, as sums are taken in another order.
"""

import argparse
import contextlib
import io
import json
import random
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import torch.distributed as dist

from lauter.datasets.errors import UsageError
from lauter.datasets.mixing import mixed
from lauter.student.batches import Position
from lauter.student.engine import Engine

CHECKPOINTS: Final = "checkpoints"
LATEST: Final = "latest"
TRAINING: Final = "training.json"
UNIVERSAL: Final = "-universal"


@dataclass
class Progress:
    """Where a run stands: steps done, the place in the data, and evaluations.

    ``best`` is the best figure so far of what ``measure`` names, at ``best_step``; ``evaluated`` is
    the step of the last one.
    """

    step: int = 0
    position: Position = field(default_factory=Position)
    best: float | None = None
    best_step: int = 0
    measure: str = ""
    evaluated: int = 0
    since_best: int = 0


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint on disk: its folder, where the run stood, and what it is bound to."""

    folder: Path
    progress: Progress
    world: int
    bound_to: Mapping[str, Any]


def newest_checkpoint(output: Path) -> Checkpoint | None:
    """Return the newest whole checkpoint of a run's folder."""
    latest = output / CHECKPOINTS / LATEST
    if not latest.exists():
        return None
    folder = latest.parent / latest.read_text(encoding="utf-8").strip()
    try:
        kept = json.loads((folder / TRAINING).read_text(encoding="utf-8"))
        progress = Progress(**{**kept["progress"], "position": Position(**kept["position"])})
        return Checkpoint(folder, progress, kept["world"], kept["bound_to"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"the checkpoint {folder} is damaged ({error}); write the name of an older one into "
            f"{latest}, or begin anew in another output folder"
        ) from error


def check_same_run(checkpoint: Checkpoint, bound_to: Mapping[str, Any]) -> None:
    """Raise ``UsageError`` where a run would go on from a checkpoint of another kind of run."""
    for name, ours in bound_to.items():
        theirs = checkpoint.bound_to.get(name)
        if theirs == json.loads(json.dumps(ours)):
            continue
        if name == "teacher_fingerprint" and None in (theirs, ours):
            continue  # cached logits may come in later, as other losses may
        if name == "data":
            raise UsageError(
                f"the checkpoint {checkpoint.folder} was trained on another export, or on this one "
                "before it was made anew; name that export, or begin anew in another output folder"
            )
        raise UsageError(
            f"the checkpoint {checkpoint.folder} was trained with {name}={_told(theirs)}, and "
            f"this run has {name}={_told(ours)}; set that again, or begin anew in another "
            "output folder"
        )


def _told(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def save_checkpoint(
    engine: Engine, output: Path, progress: Progress, bound_to: Mapping[str, Any], keep: int
) -> Path:
    """Write a checkpoint (all ranks together), and delete all but the newest ``keep``."""
    folder = output / CHECKPOINTS / f"step-{progress.step:08d}"
    if dist.get_rank() == 0 and folder.exists():
        shutil.rmtree(folder)  # left by a run that was killed while it saved
    dist.barrier()
    # What does not learn, the base of adapters, comes from its own folder again.
    engine.save_checkpoint(
        str(folder.parent), tag=folder.name, save_latest=False, exclude_frozen_parameters=True
    )
    torch.save(_generators(), folder / _generators_of(dist.get_rank()))
    dist.barrier()
    if dist.get_rank() == 0:
        place = asdict(progress.position)
        kept = {
            "progress": _without_position(progress),
            "position": place,
            "world": dist.get_world_size(),
            "bound_to": dict(bound_to),
        }
        _write(folder / TRAINING, json.dumps(kept, indent=2, ensure_ascii=False))
        _write(folder.parent / LATEST, folder.name)
        _forget_old(folder, keep)
    dist.barrier()
    return folder


def record_progress(output: Path, progress: Progress) -> None:
    """Write into the newest checkpoint that it was evaluated since, where it is of this step."""
    newest = newest_checkpoint(output)
    if dist.get_rank() == 0 and newest and newest.progress.step == progress.step:
        file = newest.folder / TRAINING
        kept = json.loads(file.read_text(encoding="utf-8"))
        kept["progress"] = _without_position(progress)
        _write(file, json.dumps(kept, indent=2, ensure_ascii=False))
    dist.barrier()


def _without_position(progress: Progress) -> dict[str, Any]:
    return {name: value for name, value in asdict(progress).items() if name != "position"}


def _write(path: Path, text: str) -> None:
    hidden = path.with_suffix(".new")
    hidden.write_text(text, encoding="utf-8")
    hidden.replace(path)


def _forget_old(newest: Path, keep: int) -> None:
    tags = sorted(one for one in newest.parent.iterdir() if one.name.startswith("step-"))
    plain = [one.name for one in tags if not one.name.endswith(UNIVERSAL)]
    stay = {name for name in plain if name <= newest.name}
    stay = {*sorted(stay)[-keep:]}
    for one in tags:
        if one.name not in stay:
            shutil.rmtree(one)


def needs_universal(checkpoint: Checkpoint, world: int) -> bool:
    """Whether a checkpoint lies in pieces that another number of processes left."""
    in_pieces = checkpoint.bound_to["zero"] > 0 or checkpoint.bound_to["precision"] == "bf16"
    return in_pieces and checkpoint.world != world


def load_checkpoint(engine: Engine, checkpoint: Checkpoint, seed: int) -> None:
    """Bring the engine and this rank's generators to where they stood (all ranks together).

    A rank that the checkpoint does not know gets generators of its own from ``seed``.
    """
    folder = checkpoint.folder
    rank, world = dist.get_rank(), dist.get_world_size()
    if needs_universal(checkpoint, world):
        folder = folder.with_name(folder.name + UNIVERSAL)
        if rank == 0:
            _make_universal(checkpoint.folder, folder)
        dist.barrier()
    all_learn = all(weight.requires_grad for weight in engine.module.parameters())
    asked = [_without_weights(group) for group in engine.optimizer.param_groups]
    loaded, _ = engine.load_checkpoint(
        str(folder.parent), tag=folder.name, load_module_strict=all_learn
    )
    if loaded is None:
        raise UsageError(f"DeepSpeed finds no checkpoint in {folder}; copy it again")
    _set_groups_apart(engine, asked)
    generators = checkpoint.folder / _generators_of(rank)
    if checkpoint.world == world and generators.exists():
        _set_generators(torch.load(generators, weights_only=False))
    else:
        seed_generators(mixed(seed, checkpoint.progress.step, rank) % 2**32)


def _without_weights(group: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in group.items() if name != "params"}


def _set_groups_apart(engine: Engine, asked: Sequence[Mapping[str, Any]]) -> None:
    """Give each group of weights the settings ``asked`` for it, and a step count of its own.

    From a universal checkpoint of ZeRO-3, DeepSpeed (0.19) gives every group the settings of the
    first, its weight decay among them, and all groups one tensor as their step count: each group's
    update raises it, so Adam would count two steps a step.
    """
    for group, settings in zip(engine.optimizer.param_groups, asked, strict=True):
        group.update(settings)
    for state in engine.optimizer.state.values():
        if torch.is_tensor(state.get("step")):
            state["step"] = state["step"].clone()


def _make_universal(source: Path, target: Path) -> None:
    from deepspeed.checkpoint import ds_to_universal

    shutil.rmtree(target, ignore_errors=True)
    told = io.StringIO()  # it tells each of its steps
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
        ds_to_universal.main(
            argparse.Namespace(
                input_folder=str(source),
                output_folder=str(target),
                num_extract_workers=1,
                num_merge_workers=1,
                keep_temp_folder=False,
                strict=True,
                inject_missing_state=True,
            )
        )


def seed_generators(seed: int) -> None:
    """Seed Python's, NumPy's and PyTorch's generators."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def _generators_of(rank: int) -> str:
    return f"generators-{rank:05d}.pt"


def _generators() -> dict[str, Any]:
    return {
        "python": random.getstate(),
        "numpy": np.random.get_state(),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
    }


def _set_generators(states: Mapping[str, Any]) -> None:
    random.setstate(states["python"])
    np.random.set_state(states["numpy"])
    torch.set_rng_state(states["torch"])
    if states["cuda"] is not None:
        torch.cuda.set_rng_state(states["cuda"])


@contextlib.contextmanager
def generators_kept() -> Any:
    """Leave the generators as they were: what happens within draws no lots of the training."""
    states = _generators()
    try:
        yield
    finally:
        _set_generators(states)
