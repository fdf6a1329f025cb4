"""From configuration to things: teachers, scorers, policies, engines, prompts.

Every group names its class in ``_target_``; Hydra makes it. A key that the class does not know is
answered with one sentence.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from typing import Any, cast

import pyarrow as pa
from hydra.errors import HydraException
from hydra.utils import instantiate
from omegaconf import DictConfig

from lauter.datasets.consent import Leave
from lauter.datasets.errors import LauterError, UsageError
from lauter.datasets.prompts.cell import Cell
from lauter.datasets.prompts.check import sift
from lauter.datasets.prompts.quotas import Draw, Quota
from lauter.datasets.records import Prompt, dialect_language
from lauter.datasets.suggestion import check_known
from lauter.datasets.voices import Voice
from lauter.filters.catalogue import NO_FIGURES, known_scores, no_figures
from lauter.filters.policy import Policy, check_scores, load_policy
from lauter.orchestration.devices import existing_device
from lauter.orchestration.leave import leave_of
from lauter.pipelines.ancestry import with_ancestors
from lauter.pipelines.codec_decoder import CodecDecoder
from lauter.pipelines.decode import Decode
from lauter.pipelines.engines.inline import InlineEngine
from lauter.pipelines.engines.protocol import Engine
from lauter.pipelines.engines.ray import RayEngine
from lauter.pipelines.plan import Plan, plan
from lauter.pipelines.score import ScorerFactory, score_fields
from lauter.pipelines.speak import Speak
from lauter.pipelines.stage import Resources
from lauter.pipelines.synthesize import Job
from lauter.pipelines.top_up import Budget, Rules
from lauter.teacher.ensemble import Ensemble, who_speaks
from lauter.teacher.protocol import Teacher, refusal
from lauter.teacher.step_audio.teacher import StepAudio


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
    try:
        return open_teacher, open_teacher()
    except TypeError as error:
        raise UsageError(f"the configuration of 'teacher' cannot be used: {error}") from error


def make_rules(settings: DictConfig) -> Rules:
    """Return how quotas of accepted utterances are filled."""
    budget, options = settings.budget, settings.top_up
    wall_s = None if budget.hours is None else budget.hours * 3600
    return Rules(
        Budget(budget.device_hours, budget.price, wall_s),
        options.best_of,
        options.least_yield,
        options.text_price,
    )


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


def make_job(settings: DictConfig, open_teacher: Callable[[], Teacher], teacher: Teacher) -> Job:
    """Return the synthesis that the settings describe."""
    speak, scoring = settings.speak, make_scoring(settings)
    able = teacher.capabilities()
    _check_place(scoring.engine, teacher)
    return Job(
        speaking=Speak(
            open_teacher,
            _resources(speak),
            attempts=speak.attempts,
            # Who asks servers has its own patience, and what it has answered must not be lost.
            timeout_s=None if able.codes else speak.timeout_s,
            back_off_s=speak.back_off_s,
            codes=able.codes,
            logits=able.logits,
        ),
        open_scorers=scoring.open_scorers,
        policy=scoring.policy,
        engine=scoring.engine,
        scoring=scoring.resources,
        decoding=_decoding(settings, teacher) if able.codes else None,
        rows_per_commit=settings.commit.rows,
        seconds_per_commit=settings.commit.seconds,
        retry_failed=speak.retry_failed,
        leave=leave_of(settings),
    )


def _asked(teacher: Teacher) -> list[StepAudio]:
    """Return those of a teacher's parts that ask a model for codes."""
    parts = teacher.parts.values() if isinstance(teacher, Ensemble) else [teacher]
    return [part for part in parts if isinstance(part, StepAudio)]


def _check_place(engine: Engine, teacher: Teacher) -> None:
    """Raise ``UsageError`` where each worker would have replicas of its own."""
    if isinstance(engine, RayEngine) or (isinstance(engine, InlineEngine) and not engine.workers):
        return
    for part in _asked(teacher):
        if getattr(part.completer, "is_shared_in_a_job", False):
            raise UsageError(
                "each worker of this engine would load replicas of its own for teacher=ray_actors; "
                "set engine=ray, whose workers share them, or engine=inline engine.workers=0"
            )


def _decoding(settings: DictConfig, teacher: Teacher) -> Decode:
    """Return the stage that decodes what teachers answer in codes.

    Raises ``UsageError`` where a voice has no recording: its timbre would be missed only when its
    codes were paid for.
    """
    asked = _asked(teacher)
    offered = {voice.speaker for voice in teacher.capabilities().voices}
    for part in asked:
        if mute := sorted(offered.intersection(part.shown) - part.recordings().keys()):
            raise UsageError(
                f"the voice '{mute[0]}' has no recording (audio), from which the decoder takes its "
                "timbre; name one in the file of voices, or leave the voice out"
            )
    open_decoder = partial(
        CodecDecoder,
        codec=settings.codec.folder,
        students=tuple(part.student for part in asked if part.student),
        recordings={name: path for part in asked for name, path in part.recordings().items()},
        expected=frozenset(part.codec_fingerprint for part in asked if part.codec_fingerprint),
        device=existing_device("decode.device", settings.decode.device),
    )
    return Decode(open_decoder, _resources(settings.decode))


def _resources(settings: DictConfig) -> Resources:
    return Resources(
        num_cpus=settings.num_cpus,
        num_gpus=settings.num_gpus,
        batch_size=settings.batch_size,
        concurrency=settings.concurrency,
        max_workers=settings.max_workers,
        batches_at_once=settings.batches_at_once,
        custom_resources={str(name): each for name, each in settings.custom_resources.items()},
    )


def make_plan(settings: DictConfig, teacher: Teacher) -> Plan:
    """Return the requests of the configured prompts, and what was refused of texts and prompts.

    Raises ``UsageError`` as ``make_draw`` does.
    """
    draw, refused = make_draw(settings, teacher)
    return plan_of(draw, refused, teacher, draw.counts, settings.seed, leave_of(settings))


def make_draw(settings: DictConfig, teacher: Teacher) -> tuple[Draw, pa.Table]:
    """Return what the quotas draw from, the texts that can be said, and which were refused.

    Raises ``UsageError`` where others are among them, unless ``on_refusal`` is ``skip``.
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
    return _draw(settings, texts, teacher), refused


def plan_of(
    draw: Draw,
    refused: pa.Table,
    teacher: Teacher,
    counts: Mapping[Cell, int],
    seed: int,
    leave: Leave,
) -> Plan:
    """Return the requests for so many prompts of each cell, and what was refused."""
    planned = plan(draw.prompts(counts), teacher, seed=seed, leave=leave)
    if draw.chains:
        planned = replace(planned, requests=with_ancestors(planned.requests))
    return replace(planned, refused=pa.concat_tables([planned.refused, refused]))


def _draw(settings: DictConfig, texts: pa.Table, teacher: Teacher) -> Draw:
    """Return texts, spread over cells by the quotas group."""
    quotas = settings.quotas
    return Draw(
        [_quota(manner) for manner in quotas.manners],
        [dialects] if isinstance(dialects := quotas.dialects, str) else list(dialects),
        quotas.speakers_per_dialect,
        texts,
        teacher.capabilities().voices,
        settings.seed,
        _can(teacher, leave_of(settings)),
        chains=quotas.chains,
    )


def _quota(manner: Mapping[str, Any]) -> Quota:
    """Return the quota of one entry; raises ``UsageError`` where its keys are not a quota's."""
    known = [one.name for one in fields(Quota)]
    if not isinstance(manner, Mapping):
        raise UsageError(f"an entry of quotas.manners is '{manner}'; write it as {{count: 4}}")
    for key in manner:
        check_known(key, known, f"an entry of quotas.manners has no key '{key}'")
    if "count" not in manner:
        raise UsageError("an entry of quotas.manners has no count; set how many, or null for all")
    return Quota(**manner)


def _can(teacher: Teacher, leave: Leave) -> Callable[[Cell, Voice], bool]:
    """Return which voice can speak which cell, and may."""
    who = who_speaks(teacher)
    forbidden = leave.forbidden(teacher.capabilities().voices)

    def can(cell: Cell, voice: Voice) -> bool:
        if voice.speaker in forbidden:
            return False
        part, able = who(voice.speaker, voice.dialect)
        manner = {name: value for name, value in asdict(cell).items() if name != "speaker"}
        language = dialect_language(cell.dialect)
        asked = Prompt("", language, speaker=voice.speaker, **manner)
        return voice.dialect == cell.dialect and refusal(able, part.name, asked) is None

    return can


def check_refusals(planned: Plan, on_refusal: str) -> None:
    """Raise ``UsageError`` where a prompt is refused and that shall stop the run.

    Its sentence has the first reason; whoever asks has listed the others before.
    A run without the dialect or emotion that was asked for is seldom what was meant, and cheaper
    to mend before than after.
    """
    refused, asked = planned.refused.num_rows, planned.requests.num_rows
    if not refused or (on_refusal == "skip" and asked):
        return
    reasons = Counter(planned.refused["refusal"].to_pylist()).most_common()
    others = f" ({len(reasons)} reasons, listed above)" if reasons[1:] else ""
    choice = ", or set on_refusal=skip to speak the others" if asked else ""
    raise UsageError(
        f"{refused} of {refused + asked} prompts are refused: {reasons[0][0]}{others}; "
        f"nothing was spoken: mend the prompts{choice}"
    )
