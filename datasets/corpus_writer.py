"""The one writer of a corpus.

Rows are buffered and committed together, because every commit makes a file and a version; what
is buffered when the writer closes is committed too, also when it closes because of an error.
Scores are added as columns: Lance writes them beside the audio and leaves the audio alone.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import lance
import pyarrow as pa
import pyarrow.compute as pc

from lauter.datasets.corpus_lock import single_writer
from lauter.datasets.errors import LauterError, UsageError
from lauter.datasets.records import VERDICT_SCHEMA
from lauter.datasets.voices import VOICE_SCHEMA

if TYPE_CHECKING:
    from lauter.datasets.corpus import Corpus

FRAGMENT_ROWS = 8192
"""Fragments with fewer rows are joined by ``compact``."""


@contextmanager
def open_writer(
    corpus: "Corpus", rows_per_commit: int, seconds_per_commit: float, bytes_per_commit: int
) -> Iterator["CorpusWriter"]:
    """Take the corpus's lock and give its writer; flush when done."""
    with single_writer(corpus.path):
        corpus.refresh()
        writer = CorpusWriter(corpus, rows_per_commit, seconds_per_commit, bytes_per_commit)
        try:
            yield writer
        finally:
            writer.flush()


class CorpusWriter:
    """Appends rows, adds scores, keeps verdicts and voices. Made by ``Corpus.writing``."""

    def __init__(
        self,
        corpus: "Corpus",
        rows_per_commit: int,
        seconds_per_commit: float,
        bytes_per_commit: int,
    ) -> None:
        self._corpus = corpus
        self._uri = str(corpus.path / "utterances.lance")
        self._rows_per_commit = rows_per_commit
        self._seconds_per_commit = seconds_per_commit
        self._bytes_per_commit = bytes_per_commit
        self._buffer: list[pa.RecordBatch] = []
        self._rows = 0
        self._bytes = 0
        self._last_commit = time.monotonic()

    def append(self, batch: pa.RecordBatch) -> None:
        """Take finished rows; columns that the corpus lacks are added to it."""
        self._buffer.append(batch)
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        waited = time.monotonic() - self._last_commit
        if (
            self._rows >= self._rows_per_commit
            or self._bytes >= self._bytes_per_commit
            or waited >= self._seconds_per_commit
        ):
            self.flush()

    def flush(self) -> None:
        """Commit what is buffered, in one atomic version."""
        self._last_commit = time.monotonic()
        if not self._rows:
            return
        fields: dict[str, pa.Field] = {}
        for batch in self._buffer:
            fields |= {field.name: field for field in batch.schema}
        self._add_missing(list(fields.values()))
        schema = self._corpus.schema
        rows = pa.Table.from_batches([_fitted(batch, schema) for batch in self._buffer], schema)
        with _said_plainly(self._corpus.path, self._rows):
            lance.write_dataset(rows, self._uri, mode="append")
        self._buffer, self._rows, self._bytes = [], 0, 0
        self._corpus.refresh()

    def _add_missing(self, fields: Sequence[pa.Field]) -> None:
        """Add columns of nulls: a change of the schema alone, no row is written."""
        known = set(self._corpus.schema.names)
        missing = [field.with_nullable(True) for field in fields if field.name not in known]
        if missing:
            with _said_plainly(self._corpus.path, 0):
                lance.dataset(self._uri).add_columns(missing)
            self._corpus.refresh()

    def put_scores(self, scores: pa.Table) -> None:
        """Add or renew score columns by ``request_id``; rows not named keep what they have."""
        self.flush()
        self._add_missing([field for field in scores.schema if field.name != "request_id"])
        if not scores.num_rows:
            return
        schema = self._corpus.schema
        update = scores.combine_chunks().cast(
            pa.schema([schema.field(name) for name in scores.schema.names])
        )
        dataset = lance.dataset(self._uri)
        fragments, modified = [], set()
        with _said_plainly(self._corpus.path, scores.num_rows):
            for fragment in dataset.get_fragments():
                changed, fields = fragment.update_columns(update, left_on="request_id")
                fragments.append(changed)
                modified.update(fields)
            if fragments:
                operation = lance.LanceOperation.Update(
                    updated_fragments=fragments, fields_modified=sorted(modified)
                )
                lance.LanceDataset.commit(self._uri, operation, read_version=dataset.version)
        self._corpus.refresh()

    def put_verdicts(
        self, policy_name: str, policy_digest: str, policy_yaml: str, verdicts: pa.Table
    ) -> None:
        """Keep the verdicts of a policy in place of its earlier ones, which stay a version."""
        self.flush()
        named = {"policy_name": policy_name, "policy_yaml": policy_yaml}
        table = verdicts.cast(VERDICT_SCHEMA).replace_schema_metadata(named)
        folder = self._corpus.path / "verdicts" / f"{policy_digest}.lance"
        folder.parent.mkdir(exist_ok=True)
        with _said_plainly(self._corpus.path, verdicts.num_rows):
            lance.write_dataset(table, str(folder), mode="overwrite")

    def put_voices(self, voices: pa.Table) -> None:
        """Keep voices; one that is known under the same speaker and dialect is replaced."""
        new = voices.select(VOICE_SCHEMA.names).cast(VOICE_SCHEMA)
        known = self._corpus.voices()
        names = {(row["speaker"], row["dialect"]) for row in _keys(new)}
        kept = pa.array(
            [(row["speaker"], row["dialect"]) not in names for row in _keys(known)], pa.bool_()
        )
        table = pa.concat_tables([known.filter(kept).cast(VOICE_SCHEMA), new])
        with _said_plainly(self._corpus.path, voices.num_rows):
            lance.write_dataset(table, str(self._corpus.path / "voices.lance"), mode="overwrite")

    def remove(self, request_ids: pa.Array | pa.ChunkedArray | Sequence[str]) -> None:
        """Take rows out of the newest state; earlier versions still have them."""
        self.flush()
        ids = request_ids if isinstance(request_ids, Sequence) else request_ids.to_pylist()
        dataset = lance.dataset(self._uri)
        for start in range(0, len(ids), 1000):
            listed = ", ".join(f"'{request_id}'" for request_id in ids[start : start + 1000])
            dataset.delete(f"request_id IN ({listed})")
        self._corpus.refresh()

    def compact(self) -> None:
        """Join small fragments, so that a corpus of many short runs stays quick to open."""
        self.flush()
        with _said_plainly(self._corpus.path, 0):
            lance.dataset(self._uri).optimize.compact_files(
                target_rows_per_fragment=FRAGMENT_ROWS, batch_size=256
            )
        self._corpus.refresh()


def _keys(voices: pa.Table) -> list[dict[str, str]]:
    keys: list[dict[str, str]] = voices.select(["speaker", "dialect"]).to_pylist()
    return keys


def _fitted(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return the batch with exactly the columns of ``schema``, nulls where it has none."""
    columns = [
        pc.cast(batch[field.name], field.type)
        if field.name in batch.schema.names
        else pa.nulls(batch.num_rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


@contextmanager
def _said_plainly(folder: Path, rows: int) -> Iterator[None]:
    """Turn what Lance raises while writing into a sentence."""
    try:
        yield
    except (OSError, ValueError, RuntimeError) as error:
        text = str(error)
        if "No space left" in text or "os error 28" in text:
            raise UsageError(
                f"the disk of {folder} is full; {rows} rows could not be committed, all earlier "
                "ones are kept: make room and run the same command again"
            ) from error
        first = text.strip().split("\n", 1)[0]
        raise LauterError(f"the corpus {folder} could not be written: {first}") from error
