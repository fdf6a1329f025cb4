"""From configuration to things: teachers, scorers, policies, engines, prompts.

Every group names its class in ``_target_``; Hydra makes it. A key that the class does not know is
answered with one sentence.
"""

from collections.abc import Callable
from typing import Any, cast

import pyarrow as pa
from hydra.errors import HydraException
from hydra.utils import instantiate
from lauter.datasets.errors import LauterError, UsageError
from lauter.filters.policy import Policy, load_policy
from lauter.pipelines.engines.protocol import Engine
from lauter.pipelines.score import ScorerFactory
from lauter.pipelines.speak import Speak
from lauter.pipelines.stage import Resources
from lauter.pipelines.synthesize import Job
from lauter.teacher.protocol import Teacher
from omegaconf import DictConfig


def make(settings: DictConfig, group: str) -> Any:
    """Return what a configuration group describes."""
    try:
        return instantiate(settings[group], _convert_="all")
    except HydraException as error:
        cause = error.__cause__ or error
        if isinstance(cause, LauterError):
            raise cause from error
        raise UsageError(f"the configuration of '{group}' cannot be used: {cause}") from error


def make_teacher(settings: DictConfig) -> tuple[Callable[[], Teacher], Teacher]:
    """Return how to open the teacher in a worker, and one opened here for planning."""
    open_teacher = cast(Callable[[], Teacher], make(settings, "teacher"))
    return open_teacher, open_teacher()


def make_policy(settings: DictConfig) -> Policy:
    """Return the policy, read and checked."""
    return load_policy(settings.policy.path)


def make_job(settings: DictConfig, open_teacher: Callable[[], Teacher]) -> Job:
    """Return the synthesis that the settings describe."""
    speak, score = settings.speak, settings.score
    return Job(
        speaking=Speak(
            open_teacher,
            _resources(speak),
            attempts=speak.attempts,
            timeout_s=speak.timeout_s,
            back_off_s=speak.back_off_s,
        ),
        open_scorers=tuple(cast(list[ScorerFactory], make(settings, "filters")["scorers"])),
        policy=make_policy(settings),
        engine=cast(Engine, make(settings, "engine")),
        scoring=_resources(score),
        rows_per_commit=settings.commit.rows,
        seconds_per_commit=settings.commit.seconds,
        retry_failed=speak.retry_failed,
    )


def _resources(settings: DictConfig) -> Resources:
    return Resources(
        num_cpus=settings.num_cpus,
        num_gpus=settings.num_gpus,
        batch_size=settings.batch_size,
        concurrency=settings.concurrency,
    )


def make_prompts(settings: DictConfig, teacher: Teacher) -> pa.Table:
    """Return the prompts: texts from the prompts group, spread over cells by the quotas group."""
    raise NotImplementedError
