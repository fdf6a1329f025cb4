"""A small but real synthesis: the fast teacher speaks, simple scorers measure, a policy judges."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from lauter.datasets.corpus import Corpus
from lauter.datasets.prompts.builtin_set import builtin_texts
from lauter.datasets.prompts.quotas import Draw, Quota
from lauter.filters.asr import AsrScorer
from lauter.filters.duration import DurationScorer
from lauter.filters.error_rate import ErrorRateScorer
from lauter.filters.level import LevelScorer
from lauter.filters.mos import MosScorer
from lauter.filters.policy import Policy, load_policy
from lauter.filters.prosody import ProsodyScorer
from lauter.filters.sound import SoundScorer
from lauter.filters.speaker import SpeakerScorer
from lauter.filters.vad import VadScorer
from lauter.pipelines.engines.inline import InlineEngine
from lauter.pipelines.engines.protocol import Engine
from lauter.pipelines.plan import Plan, plan
from lauter.pipelines.speak import Speak
from lauter.pipelines.stage import Resources
from lauter.pipelines.synthesize import Job, synthesize
from lauter.teacher.fast import FastTeacher

SCORERS = (LevelScorer, VadScorer, SpeakerScorer, ErrorRateScorer)
"""A few, which need little time."""
EVERY_SCORER = (
    LevelScorer,
    VadScorer,
    DurationScorer,
    SoundScorer,
    SpeakerScorer,
    MosScorer,
    AsrScorer,
    ErrorRateScorer,
    ProsodyScorer,
)


def prompts(count: int, dialects: Sequence[str] = ("en-US", "ja-JP")) -> pa.Table:
    """``count`` prompts a dialect: neutral ones, and some of joy."""
    quotas = [Quota(count - count // 3), Quota(count // 3, emotion="joy", emotion_level=2)]
    voices = FastTeacher().capabilities().voices
    draw = Draw(quotas, dialects, 1, builtin_texts(), voices, seed=0)
    return draw.prompts(draw.counts)


def small_plan(count: int) -> Plan:
    """The requests for ``prompts``."""
    return plan(prompts(count), FastTeacher(), seed=0)


def job(engine: Engine | None = None, **options: object) -> Job:
    """A job with the fast teacher; ``options`` replace fields of ``Job``."""
    made = Job(
        speaking=Speak(FastTeacher, Resources(batch_size=4), back_off_s=0.01),
        open_scorers=tuple(partial(scorer) for scorer in SCORERS),
        policy=default_policy(),
        engine=engine or InlineEngine(),
        scoring=Resources(batch_size=4),
        rows_per_commit=8,
    )
    return replace(made, **options)  # type: ignore[arg-type]


def default_policy() -> Policy:
    """The policy that comes with Lauter."""
    return load_policy("default")


def synthesized(
    folder: Path, count: int, engine: Engine | None = None, scorers: Sequence[Any] = SCORERS
) -> Corpus:
    """A corpus of ``count`` utterances a dialect."""
    corpus = Corpus.create(folder)
    made = job(engine, open_scorers=tuple(partial(scorer) for scorer in scorers))
    synthesize(made, small_plan(count), FastTeacher(), corpus)
    return corpus
