"""Importing: speech made elsewhere is scored, judged and kept like our own.

What a source describes is planned first: each recording becomes a request, by the digest of its
sound, and what the corpus has already is left out. The requests then go through any engine, whose
workers fetch, decode, encode and score.
"""

from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa

from lauter.datasets.consent import Leave
from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError
from lauter.datasets.imports import PLANNED_SCHEMA, Source, requests_from
from lauter.filters.gates import stopping_gates
from lauter.filters.policy import Policy
from lauter.pipelines.engines.protocol import Engine
from lauter.pipelines.first_rows import checked
from lauter.pipelines.judge import judge_corpus
from lauter.pipelines.score import Score, ScorerFactory
from lauter.pipelines.stage import Pipeline, Resources
from lauter.pipelines.take_in import taking_in

PLANNED_BYTES = 256 << 20
"""So much is planned before it is taken in. A planned row is small, unless it carries its sound,
as those of zipped tars do."""


def import_speech(
    source: Source,
    corpus: Corpus,
    *,
    open_scorers: tuple[ScorerFactory, ...],
    policy: Policy,
    engine: Engine,
    scoring: Resources,
    threads: int = 1,
    leave: Leave | None = None,
    on_start: Callable[[int], None] = lambda pending: None,
    on_batch: Callable[[pa.RecordBatch], None] = lambda batch: None,
) -> int:
    """Bring ``source`` into ``corpus``, judge all of it, and return the number of new rows.

    A source that turns out to be damaged is brought in up to that place, then its ``UsageError``
    is raised. ``on_start`` is told how many rows are planned, each time that some were.
    """
    with corpus.writing() as writer:
        known = {
            request_id
            for batch in corpus.scan(["request_id"], where="teacher = 'import'")
            for request_id in batch["request_id"].to_pylist()
        }
        take_in = taking_in(source, threads, scoring)
        score = Score(
            open_scorers,
            references=corpus.voices(),
            stops=stopping_gates(policy),
            resources=scoring,
        )
        pipeline = Pipeline(PLANNED_SCHEMA, (take_in, score))
        added = 0
        damage: UsageError | None = None
        slices = _slices(requests_from(source, known=known, batch_size=256, threads=threads))
        for planned in slices:
            if isinstance(planned, UsageError):
                damage = planned
                break
            on_start(planned.num_rows)
            for batch in checked(engine.run(pipeline, planned)):
                writer.append(batch.drop_columns("recording"))
                added += batch.num_rows
                on_batch(batch)
        writer.flush()
        judge_corpus(corpus, writer, policy, leave)
    if damage is not None:
        raise damage
    return added


def _slices(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table | UsageError]:
    """Yield what comes, ``PLANNED_BYTES`` at a time, and last the error that ended the source."""
    waiting: list[pa.RecordBatch] = []
    failure: UsageError | None = None
    try:
        for batch in batches:
            waiting.append(batch)
            if sum(b.nbytes for b in waiting) >= PLANNED_BYTES:
                yield pa.Table.from_batches(waiting, PLANNED_SCHEMA)
                waiting = []
    except UsageError as error:
        failure = error
    if waiting:
        yield pa.Table.from_batches(waiting, PLANNED_SCHEMA)
    if failure is not None:
        yield failure
