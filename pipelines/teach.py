"""Asking a teacher about a corpus: every coded row that has none of its answers, a batch at a time.

What is kept already is taken away from what is asked, so that a stopped run goes on where its last
commit left it and no teacher is asked twice. Answers of another teacher, or kept by other settings,
are replaced.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import pyarrow as pa

from lauter.datasets.corpus import Corpus
from lauter.datasets.corpus_writer import CorpusWriter
from lauter.datasets.errors import UsageError
from lauter.datasets.layout import Example
from lauter.datasets.records import CODEC_FIELD, REQUEST_SCHEMA, TOP_LOGITS, TOP_LOGITS_FIELDS
from lauter.datasets.top_logits import TopLogits, compress
from lauter.student.teaching import READS

ROWS_PER_COMMIT = 512
_READ_ROWS = 64
_MARK = TOP_LOGITS_FIELDS[1].name
_SCHEMA = pa.schema([REQUEST_SCHEMA.field("request_id"), *TOP_LOGITS_FIELDS])


class ScoringTeacher(Protocol):
    """The part of a teacher that filling the column needs."""

    name: str
    codec_fingerprint: str
    fingerprint: str

    def example(self, row: Mapping[str, Any]) -> Example:
        """Return what a row asks; raises ``UsageError`` where it cannot be asked."""
        ...

    def score(self, examples: Sequence[Example]) -> list[TopLogits]:
        """Return what the teacher would have said at each target place."""
        ...


def teach_corpus(
    corpus: Corpus,
    writer: CorpusWriter,
    teacher: ScoringTeacher,
    *,
    batch_size: int = 1,
    rows_per_commit: int = ROWS_PER_COMMIT,
    on_start: Callable[[int], None] = lambda pending: None,
    on_batch: Callable[[pa.RecordBatch], None] = lambda batch: None,
) -> int:
    """Ask what is not answered yet; return how many rows that were.

    ``on_start`` is told how many are to come, ``on_batch`` of each batch asked (``request_id`` and
    ``duration_s``). Raises ``UsageError``, before anything is asked, where a spoken row has no
    codes, or those of another codec than the teacher's; what was asked until a later error is kept.
    """
    _check_codec(corpus, teacher)
    pending = _pending(corpus, teacher)
    on_start(len(pending))
    fresh: list[dict[str, Any]] = []
    try:
        for rows in _rows(corpus, pending, batch_size):
            answers = teacher.score([teacher.example(row) for row in rows.to_pylist()])
            fresh += [
                {"request_id": name, TOP_LOGITS: compress(answer), _MARK: teacher.fingerprint}
                for name, answer in zip(rows["request_id"].to_pylist(), answers, strict=True)
            ]
            if len(fresh) >= rows_per_commit:
                full, fresh = fresh, []
                _put(writer, full)
            on_batch(rows.select(["request_id", "duration_s"]))
    finally:
        _put(writer, fresh)
    return len(pending)


def _rows(corpus: Corpus, pending: list[str], batch_size: int) -> Iterator[pa.RecordBatch]:
    """Yield the pending rows in batches; they are looked up more at a time."""
    read = -(-_READ_ROWS // batch_size) * batch_size
    for start in range(0, len(pending), read):
        table = corpus.take(pending[start : start + read], [*READS, "duration_s"])
        yield from table.combine_chunks().to_batches(max_chunksize=batch_size)


def _check_codec(corpus: Corpus, teacher: ScoringTeacher) -> None:
    codec, asked = CODEC_FIELD.name, f"'{teacher.codec_fingerprint}'"
    if codec not in corpus.schema.names:
        if corpus.count("error_kind IS NULL"):
            raise UsageError(
                f"the corpus {corpus.path} has no codes, and {teacher.name} speaks those of the "
                f"codec {teacher.codec_fingerprint}; run `lauter codec encode` with this codec"
            )
        return
    # Without codes, but of this codec: it could make none, and there is nothing to ask.
    amiss = f"{codec} IS NULL OR {codec} != {asked}"
    for batch in corpus.scan([*READS], where=f"error_kind IS NULL AND ({amiss})", batch_size=1):
        # It names the row, and both codecs.
        for row in batch.to_pylist():
            teacher.example(row)


def _pending(corpus: Corpus, teacher: ScoringTeacher) -> list[str]:
    where = "error_kind IS NULL AND codes IS NOT NULL"
    if _MARK in corpus.schema.names:
        where += f" AND ({_MARK} IS NULL OR {_MARK} != '{teacher.fingerprint}')"
    batches = corpus.scan(["request_id"], where=where, batch_size=8192)
    return [name for batch in batches for name in batch["request_id"].to_pylist()]


def _put(writer: CorpusWriter, fresh: list[dict[str, Any]]) -> None:
    if fresh:
        writer.put_scores(pa.Table.from_pylist(fresh, _SCHEMA))
