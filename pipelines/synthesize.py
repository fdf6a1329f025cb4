"""The main job: plan → speak → score → judge → keep.

A run may end at any moment, by a finished plan, Ctrl-C or a lost machine; what was committed is
whole, and the same call goes on from there.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from lauter.datasets.consent import Leave
from lauter.datasets.corpus import Corpus
from lauter.filters.gates import stopping_gates
from lauter.filters.policy import Policy
from lauter.pipelines.decode import Decode
from lauter.pipelines.engines.protocol import Engine
from lauter.pipelines.first_rows import checked
from lauter.pipelines.generations import generations
from lauter.pipelines.judge import judge_corpus
from lauter.pipelines.plan import Plan
from lauter.pipelines.references import reference_voices
from lauter.pipelines.retry_failed import costs_of, undecoded, with_costs
from lauter.pipelines.score import Score, ScorerFactory
from lauter.pipelines.speak import Speak
from lauter.pipelines.stage import Pipeline, Resources, Stage
from lauter.teacher.protocol import Teacher, close, keep

OnBatch = Callable[[pa.RecordBatch], None]


@dataclass(frozen=True)
class Job:
    """All that a synthesis is made of, apart from what is asked and where it is kept.

    ``decoding`` is there where the teacher answers in codes; ``leave`` says who may be heard.
    """

    speaking: Speak
    open_scorers: tuple[ScorerFactory, ...]
    policy: Policy
    engine: Engine
    scoring: Resources = field(default_factory=Resources)
    decoding: Decode | None = None
    rows_per_commit: int = 1024
    seconds_per_commit: float = 30.0
    retry_failed: bool = False
    leave: Leave | None = None

    @property
    def voicing(self) -> tuple[Stage, ...]:
        """The stages from a request to its sound."""
        return (self.speaking,) if self.decoding is None else (self.speaking, self.decoding)


@contextmanager
def kept(job: Job, teacher: Teacher) -> Iterator[None]:
    """Keep what the teacher runs for all pipelines of a run, and close it behind them."""
    job.engine.start()
    keep(teacher)
    try:
        yield
    finally:
        close(teacher)


def synthesize(
    job: Job,
    plan: Plan,
    teacher: Teacher,
    corpus: Corpus,
    *,
    on_start: Callable[[int], None] = lambda pending: None,
    on_batch: OnBatch = lambda batch: None,
) -> int:
    """Speak, score and keep what ``corpus`` does not have of ``plan``, then judge all of it.

    Returns the number of rows added. ``on_start`` is told how many are pending, ``on_batch`` of
    each finished batch.
    """
    with corpus.writing(
        rows_per_commit=job.rows_per_commit, seconds_per_commit=job.seconds_per_commit
    ) as writer:
        pending = corpus.pending(plan.requests, retry_failed=job.retry_failed)
        on_start(pending.num_rows)
        new = reference_voices(pending, corpus.voices(), teacher, job.voicing, job.engine)
        if new.num_rows:
            writer.put_voices(new)
        added = 0
        edits_parents = teacher.capabilities().edits_parents
        for generation in generations(pending) if edits_parents else [pending]:
            for batch in _spoken(job, generation, corpus, edits_parents=edits_parents):
                writer.append(batch, replacing=job.retry_failed)
                added += batch.num_rows
                on_batch(batch)
            writer.flush()
        judge_corpus(corpus, writer, job.policy, job.leave)
    return added


def _spoken(
    job: Job, pending: pa.Table, corpus: Corpus, *, edits_parents: bool
) -> Iterator[pa.RecordBatch]:
    """Yield finished rows of what is pending; of what failed, nothing is asked for that came."""
    if edits_parents:
        job = replace(job, speaking=replace(job.speaking, parents=corpus.path))
    pipeline = pipeline_of(job, pending.schema, corpus.voices())
    if not job.retry_failed:
        yield from checked(job.engine.run(pipeline, pending))
        return
    before = costs_of(corpus, pending)
    if job.decoding:
        rows = undecoded(corpus, pending, job.speaking)
        spoken = rows["request_id"].combine_chunks()
        pending = pending.filter(pc.invert(pc.is_in(pending["request_id"], value_set=spoken)))
        decoding = Pipeline(rows.schema, pipeline.stages[1:])
        if rows.num_rows:
            yield from checked(job.engine.run(decoding, rows))
    for batch in checked(job.engine.run(pipeline, pending)):
        yield with_costs(batch, before)


def pipeline_of(job: Job, source: pa.Schema, voices: pa.Table) -> Pipeline:
    """Return the stages that requests go through."""
    scoring = Score(
        job.open_scorers,
        references=voices,
        stops=stopping_gates(job.policy),
        resources=job.scoring,
    )
    return Pipeline(source, (*job.voicing, scoring))
