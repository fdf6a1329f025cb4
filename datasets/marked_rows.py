"""Rows of a corpus on their way out: each gets its mark, in its audio and in its record."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import pyarrow as pa

from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError
from lauter.datasets.mark_columns import SYNTHETIC_FIELD, is_from_elsewhere
from lauter.datasets.marking import FORMAT, NO_ASSERTION, Marks, Synthetic, marked
from lauter.datasets.records import REQUEST_SCHEMA
from lauter.datasets.selection import Selection


@dataclass(frozen=True)
class Marker:
    """Marks rows of one state of a corpus.

    ``corpus`` is its digest, ``release`` the tag that it was opened at (else empty), ``licences``
    those of its voices by speaker and dialect.
    """

    corpus: str
    release: str
    licences: Mapping[tuple[str, str], str]

    @classmethod
    def of(cls, corpus: Corpus, policy: str | None = None) -> Self:
        """Return the marker of a corpus as it was opened; ``policy`` is part of its digest."""
        voices = corpus.voices().select(["speaker", "dialect", "licence"]).to_pylist()
        licences = {(one["speaker"], one["dialect"]): one["licence"] for one in voices}
        return cls(corpus.digest(policy), corpus.release or "", licences)

    def marks(self, row: Mapping[str, Any]) -> Marks:
        """Return the mark of a corpus's row, which has at least the columns of a request."""
        told = row.get(SYNTHETIC_FIELD.name)
        is_imported = is_from_elsewhere(row["teacher"], told)
        text_licence = row["text_licence"] or NO_ASSERTION
        licence = self.licences.get((row["speaker"], row["dialect"]))
        return Marks(
            Synthetic(told or Synthetic.UNKNOWN) if is_imported else Synthetic.YES,
            row["request_id"],
            row["teacher"],
            row["teacher_fingerprint"],
            row["speaker"],
            # Of speech that was made elsewhere, the licence is that of the whole recording.
            licence or (text_licence if is_imported else NO_ASSERTION),
            text_licence,
            self.corpus,
            self.release,
        )

    def marked(self, row: Mapping[str, Any]) -> bytes:
        """Return a row's audio with its mark; raises ``UsageError`` where that is damaged."""
        try:
            return marked(row["audio"], self.marks(row))
        except UsageError as error:
            raise UsageError(f"request {row['request_id']}: {error}") from error

    def audible(self, row: Mapping[str, Any]) -> bytes:
        """Return a row's audio with its mark, or as it is where that is too damaged for one."""
        try:
            return self.marked(row)
        except UsageError:
            return bytes(row["audio"])


def marked_batches(selection: Selection, split: str) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a split as they are exported: ``audio``, marked, and the record."""
    marker = Marker.of(selection.corpus, selection.policy)
    schema = pa.schema([selection.corpus.schema.field("audio"), *selection.fields])
    read = ["audio", *REQUEST_SCHEMA.names, SYNTHETIC_FIELD.name]
    for batch in selection.batches(split):
        rows = batch.select([name for name in read if name in batch.schema.names]).to_pylist()
        marks = [marker.marks(row) for row in rows]
        said = {
            "synthetic": [str(one.synthetic) for one in marks],
            "voice_licence": [one.voice_licence for one in marks],
            "corpus_digest": [one.corpus for one in marks],
            "release": [one.release or None for one in marks],
            "mark_format": [FORMAT] * len(marks),
            "audio": [marker.marked(row) for row in rows],
        }
        columns = [
            pa.array(said[field.name], field.type) if field.name in said else batch[field.name]
            for field in schema
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)
