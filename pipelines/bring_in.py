"""Importing: speech made elsewhere is scored, judged and kept like our own.

A source is read in slices, so that memory does not grow with it; each slice goes through the
scorers on any engine. What the corpus has already is left out before it is encoded.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import pyarrow as pa

from lauter.datasets.corpus import Corpus
from lauter.datasets.imports import IMPORTED_SCHEMA, Source, utterances_from
from lauter.filters.gates import stopping_gates
from lauter.filters.policy import Policy
from lauter.pipelines.engines.protocol import Engine
from lauter.pipelines.judge import judge_corpus
from lauter.pipelines.score import Score, ScorerFactory
from lauter.pipelines.stage import Pipeline, Resources

SLICE_ROWS = 2048


def import_speech(
    source: Source,
    corpus: Corpus,
    *,
    open_scorers: tuple[ScorerFactory, ...],
    policy: Policy,
    engine: Engine,
    scoring: Resources,
    threads: int = 1,
    on_batch: Callable[[pa.RecordBatch], None] = lambda batch: None,
) -> int:
    """Bring ``source`` into ``corpus``, judge all of it, and return the number of new rows."""
    with corpus.writing() as writer:
        known = {
            request_id
            for batch in corpus.scan(["request_id"], where="teacher = 'import'")
            for request_id in batch["request_id"].to_pylist()
        }
        score = Score(
            open_scorers,
            references=corpus.voices(),
            stops=stopping_gates(policy),
            resources=scoring,
        )
        pipeline = Pipeline(IMPORTED_SCHEMA, (score,))
        added = 0
        for rows in _sliced(utterances_from(source, known=known, threads=threads)):
            for batch in engine.run(pipeline, rows):
                writer.append(batch)
                added += batch.num_rows
                on_batch(batch)
        writer.flush()
        judge_corpus(corpus, writer, policy)
    return added


def _sliced(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    waiting: list[pa.RecordBatch] = []
    for batch in chain(batches, [None]):
        if batch is not None:
            waiting.append(batch)
        if waiting and (batch is None or sum(b.num_rows for b in waiting) >= SLICE_ROWS):
            yield pa.Table.from_batches(waiting, IMPORTED_SCHEMA)
            waiting = []
