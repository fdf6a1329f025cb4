"""The same training in one process, under torchrun or DeepSpeed's launcher, or on Ray Train.

Whoever launches waits, tells each step as it is logged (not on Ray), and ends as if it had trained
itself: with the result, the sentence of a ``UsageError``, or, after Ctrl-C or SIGTERM, with the
checkpoint that the processes wrote (on Ray, with the last before it). On Ray a worker that dies
takes the others along; all are started again and go on from the newest checkpoint in the output
folder, which therefore must be one that they share.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from lauter.datasets.errors import LauterError, UsageError
from lauter.datasets.location import location_of
from lauter.student.launched import made_evaluation, outcome_of
from lauter.student.processes import stop_requests
from lauter.student.train import TrainResult, train
from lauter.student.training_log import LogTail
from lauter.student.training_settings import BYTES, PAIRS, TrainSettings
from lauter.student.training_state import newest_checkpoint

LAUNCHERS: Final = ("none", "torchrun", "deepspeed", "ray")
POLL_S: Final = 0.2

OnStep = Callable[[Mapping[str, Any], int], None]


@dataclass(frozen=True)
class Launch:
    """Who starts how many processes; ``restarts`` is how often Ray starts them again."""

    launcher: str = "none"
    processes: int = 1
    restarts: int = 2
    address: str = "local"
    """As in ``ray.init``; ``local`` starts a Ray here."""

    def __post_init__(self) -> None:
        """Raise ``UsageError`` for a launch that cannot be."""
        if self.launcher not in LAUNCHERS:
            raise UsageError(
                f"there is no launcher '{self.launcher}'; set distill.launcher to one of "
                f"{', '.join(LAUNCHERS)}"
            )
        if self.processes < 1 or self.restarts < 0:
            raise UsageError(
                f"distill.processes is {self.processes} and distill.restarts {self.restarts}; "
                "set 1 or more and 0 or more"
            )
        if self.launcher == "none" and self.processes != 1:
            raise UsageError(
                f"distill.launcher=none trains in this process alone, not in {self.processes}; "
                "set distill.launcher to torchrun, deepspeed or ray"
            )


@dataclass(frozen=True)
class Evaluation:
    """What makes the speaking evaluation in each process: ``module:function`` and its arguments."""

    factory: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """Return this as JSON can say it."""
        return {"factory": self.factory, "settings": dict(self.settings)}


def launch(
    settings: TrainSettings,
    how: Launch,
    *,
    evaluation: Evaluation | None = None,
    on_step: OnStep | None = None,
) -> TrainResult:
    """Train, and return what came of it; raises what ``train`` raises."""
    spec = evaluation.plain() if evaluation else None
    if how.launcher == "none":
        return train(settings, speak_evaluation=made_evaluation(spec), on_step=on_step)
    output = Path(settings.output).resolve()
    output.mkdir(parents=True, exist_ok=True)
    # A name of its own: another launch on this folder, which the lock will refuse, has another.
    job = output / f"job-{uuid4().hex[:8]}.json"
    plain = settings.plain() | {"data": _whole(settings.data), "init": _whole(settings.init)}
    plain |= {"output": str(output)}
    if settings.tokenizer not in (BYTES, PAIRS):
        plain["tokenizer"] = _whole(settings.tokenizer)
    plain["on_policy"]["teacher"] = _whole(settings.on_policy.teacher)
    job.write_text(json.dumps({"settings": plain, "evaluation": spec}), encoding="utf-8")
    try:
        if how.launcher == "ray":
            _on_ray(job, how)
        else:
            _in_processes(job, how, settings, on_step)
        return _told(job)
    finally:
        job.unlink(missing_ok=True)
        outcome_of(job).unlink(missing_ok=True)


def _whole(folder: str | None) -> str | None:
    """Return a path that holds in processes which start in another folder."""
    return None if folder is None else str(location_of(folder).resolve())


def _in_processes(job: Path, how: Launch, settings: TrainSettings, on_step: OnStep | None) -> None:
    started = subprocess.Popen(
        _command(how, job),
        # Ours would shadow Hugging Face's `datasets`, were the current folder on the path.
        env={**os.environ, "PYTHONSAFEPATH": "1"},
        stdout=subprocess.DEVNULL,
        stderr=(job.parent / "processes.log").open("w"),
    )
    checkpoint = newest_checkpoint(job.parent)
    seen = checkpoint.progress.step if checkpoint else 0
    log = LogTail(job.parent)
    with stop_requests() as stop_came:
        while started.poll() is None:
            time.sleep(POLL_S)
            if stop_came():
                started.send_signal(signal.SIGTERM)
                started.wait()
                raise KeyboardInterrupt
            seen = _tell(log, seen, settings, on_step)
    _tell(log, seen, settings, on_step)


def _tell(log: LogTail, seen: int, settings: TrainSettings, on_step: OnStep | None) -> int:
    """Tell of the steps after ``seen`` that the log has by now; return the last one."""
    for line in log.lines() if on_step else ():
        if line["kind"] == "train" and line["step"] > seen and on_step:
            seen = line["step"]
            on_step(line, settings.steps or 0)
    return seen


def _command(how: Launch, job: Path) -> list[str]:
    python = [sys.executable, "-P"]
    if how.launcher == "torchrun":
        return [
            *python, "-m", "torch.distributed.run", "--standalone",
            f"--nproc-per-node={how.processes}", "-m", "lauter.student.launched", str(job),
        ]  # fmt: skip
    starter = "from deepspeed.launcher.runner import main; main()"
    return [
        *python, "-c", starter, f"--num_gpus={how.processes}", f"--master_port={_free_port()}",
        "--no_local_rank", "--module", "lauter.student.launched", str(job),
    ]  # fmt: skip


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _told(job: Path) -> TrainResult:
    """Return the result that the processes wrote, or raise what they raised."""
    path = outcome_of(job)
    if not path.exists():
        raise LauterError(
            f"the processes of the training ended without a word; {job.parent / 'processes.log'} "
            "has what they wrote, and the same command goes on from the last checkpoint"
        )
    told = json.loads(path.read_text(encoding="utf-8"))
    if "stopped" in told:
        raise KeyboardInterrupt
    if "error" in told:
        kind = UsageError if told["exit_code"] == UsageError.exit_code else LauterError
        raise kind(told["error"])
    return TrainResult(**{**told["result"], "student": Path(told["result"]["student"])})


def _on_ray(job: Path, how: Launch) -> None:
    import ray
    import torch
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer

    with _ray(how):
        trainer = TorchTrainer(
            _train_on_ray,
            train_loop_config={"job": str(job)},
            torch_config=TorchConfig(
                backend="cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
            ),
            scaling_config=ScalingConfig(
                num_workers=how.processes, use_gpu=torch.cuda.is_available()
            ),
            run_config=RunConfig(
                name=job.parent.name,
                storage_path=str(job.parent / "ray"),
                failure_config=FailureConfig(max_failures=how.restarts),
            ),
        )
        try:
            trainer.fit()
        except ray.train.TrainingFailedError as error:
            if outcome_of(job).exists():
                return  # it was refused or stopped, and says so itself
            raise LauterError(
                f"the workers of the training died more than {how.restarts} times ({error}); the "
                "same command goes on from the last checkpoint"
            ) from error


def _train_on_ray(config: Mapping[str, str]) -> None:
    """Train in a worker of Ray Train; what the user got wrong is not tried again.

    A worker that refuses alone is waited for by the others: it dies, which ends them too, and
    started again none of them does anything.
    """
    from lauter.student.launched import work

    job = Path(config["job"])
    if not outcome_of(job).exists() and work(job):
        raise LauterError("the training was refused or stopped; its launcher says why")


@contextmanager
def _ray(how: Launch) -> Iterator[None]:
    """Join a Ray, or start one with two CPUs more than the processes take."""
    import ray

    if ray.is_initialized():
        yield
        return
    local = {"num_cpus": how.processes + 2, "include_dashboard": False}
    ray.init(
        address=how.address,
        log_to_driver=False,
        logging_level="ERROR",
        runtime_env={"env_vars": {"PYTHONSAFEPATH": "1"}},
        **(local if how.address == "local" else {}),
    )
    try:
        yield
    finally:
        ray.shutdown()
