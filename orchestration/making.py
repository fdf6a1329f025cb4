"""From configuration to things: teachers, scorers, policies, engines, prompts.

Every group names its class in ``_target_``; Hydra makes it. A key that the class does not know is
answered with one sentence.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

import pyarrow as pa
from hydra.errors import HydraException
from hydra.utils import instantiate
from omegaconf import DictConfig

from lauter.datasets.errors import LauterError, UsageError
from lauter.datasets.prompts.check import sift
from lauter.datasets.prompts.quotas import Quota, fill
from lauter.filters.catalogue import NO_FIGURES, known_scores, no_figures
from lauter.filters.policy import Policy, check_scores, load_policy
from lauter.pipelines.engines.protocol import Engine
from lauter.pipelines.plan import Plan, plan
from lauter.pipelines.score import ScorerFactory, score_fields
from lauter.pipelines.speak import Speak
from lauter.pipelines.stage import Resources
from lauter.pipelines.synthesize import Job
from lauter.teacher.protocol import Teacher


def make(settings: DictConfig, group: str) -> Any:
    """Return what a configuration group describes."""
    try:
        return instantiate(settings[group], _convert_="all")
    except HydraException as error:
        cause = error.__cause__ or error
        if isinstance(cause, LauterError):
            raise cause from error
        raise UsageError(f"the configuration of '{group}' cannot be used: {cause}") from error


def split_shares(settings: DictConfig) -> dict[str, float]:
    """Return the shares of the splits by which the settings draw a corpus's texts."""
    export = settings.export
    shares = {"train": 1 - export.valid - export.test, "valid": export.valid, "test": export.test}
    return {name: share for name, share in shares.items() if share}


def make_teacher(settings: DictConfig) -> tuple[Callable[[], Teacher], Teacher]:
    """Return how to open the teacher in a worker, and one opened here for planning."""
    open_teacher = cast(Callable[[], Teacher], make(settings, "teacher"))
    return open_teacher, open_teacher()


def make_policy(settings: DictConfig) -> Policy:
    """Return the policy, read and checked."""
    return load_policy(settings.policy.path)


@dataclass(frozen=True)
class Scoring:
    """All that scoring and judging need."""

    open_scorers: tuple[ScorerFactory, ...]
    policy: Policy
    engine: Engine
    resources: Resources


def make_scoring(settings: DictConfig) -> Scoring:
    """Return the scorers, policy and engine; raises where a gate reads no score, or no figure."""
    open_scorers = tuple(cast(list[ScorerFactory], make(settings, "filters")["scorers"]))
    policy = make_policy(settings)
    fields = score_fields(open_scorers)
    known = known_scores(field.name for field in fields)
    check_scores(policy, known, NO_FIGURES | no_figures(fields))
    return Scoring(
        open_scorers, policy, cast(Engine, make(settings, "engine")), _resources(settings.score)
    )


def make_job(settings: DictConfig, open_teacher: Callable[[], Teacher]) -> Job:
    """Return the synthesis that the settings describe."""
    speak, scoring = settings.speak, make_scoring(settings)
    return Job(
        speaking=Speak(
            open_teacher,
            _resources(speak),
            attempts=speak.attempts,
            timeout_s=speak.timeout_s,
            back_off_s=speak.back_off_s,
        ),
        open_scorers=scoring.open_scorers,
        policy=scoring.policy,
        engine=scoring.engine,
        scoring=scoring.resources,
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


def make_plan(settings: DictConfig, teacher: Teacher) -> Plan:
    """Return the requests of the configured prompts, and what was refused of texts and prompts.

    The quotas are filled from the texts that can be said. Raises ``UsageError`` where others are
    among them, unless ``on_refusal`` is ``skip``.
    """
    limit = teacher.capabilities().max_characters
    texts, refused = sift(make(settings, "prompts"), max_characters=limit)
    if refused.num_rows and (settings.on_refusal == "stop" or not texts.num_rows):
        others = ", or set on_refusal=skip to speak the others" if texts.num_rows else ""
        raise UsageError(
            f"{refused.num_rows} of {refused.num_rows + texts.num_rows} texts are refused: "
            f"{'; '.join(refused['refusal'].unique().to_pylist())}; "
            f"nothing was spoken: mend the texts{others}"
        )
    planned = plan(_make_prompts(settings, texts, teacher), teacher, seed=settings.seed)
    return replace(planned, refused=pa.concat_tables([planned.refused, refused]))


def _make_prompts(settings: DictConfig, texts: pa.Table, teacher: Teacher) -> pa.Table:
    """Return the prompts: texts, spread over cells by the quotas group."""
    quotas = settings.quotas
    try:
        asked = [Quota(**manner) for manner in quotas.manners]
    except TypeError as error:
        raise UsageError(f"quotas.manners has an unknown key: {error}") from error
    return fill(
        asked,
        [dialects] if isinstance(dialects := quotas.dialects, str) else list(dialects),
        quotas.speakers_per_dialect,
        texts,
        teacher.capabilities().voices,
        settings.seed,
    )


def check_refusals(planned: Plan, on_refusal: str) -> None:
    """Raise ``UsageError`` where a prompt is refused and that shall stop the run.

    A run without the dialect or emotion that was asked for is seldom what was meant, and cheaper
    to mend before than after.
    """
    refused, asked = planned.refused.num_rows, planned.requests.num_rows
    if not refused or (on_refusal == "skip" and asked):
        return
    reasons = Counter(planned.refused["refusal"].to_pylist()).most_common()
    others = f" ({len(reasons) - 1} other reasons: `lauter plan` lists them)" if reasons[1:] else ""
    choice = ", or set on_refusal=skip to speak the others" if asked else ""
    raise UsageError(
        f"{refused} of {refused + asked} prompts are refused: {reasons[0][0]}{others}; "
        f"nothing was spoken: mend the prompts{choice}"
    )
