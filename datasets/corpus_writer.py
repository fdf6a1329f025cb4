"""The one writer of a corpus.

Rows are buffered and committed together, because every commit makes a file and a version; what
is buffered when the writer closes is committed too, also when it closes because of an error.
Scores are added as columns: Lance writes them beside the audio and leaves the audio alone.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import lance
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lauter.datasets.corpus_layout import UTTERANCES, VERDICTS, VOICES, plainly, write_dataset
from lauter.datasets.corpus_lock import single_writer
from lauter.datasets.errors import LauterError
from lauter.datasets.location import lance_options
from lauter.datasets.records import (
    CODEC_ERROR_FIELD,
    CODEC_FIELD,
    TOP_LOGITS_FIELDS,
    UTTERANCE_SCHEMA,
    VERDICT_SCHEMA,
)
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
    with single_writer(corpus.path) as check_lock:
        corpus.refresh()
        writer = CorpusWriter(
            corpus, check_lock, rows_per_commit, seconds_per_commit, bytes_per_commit
        )
        try:
            yield writer
        finally:
            writer.flush()


class CorpusWriter:
    """Appends rows, adds scores, keeps verdicts and voices. Made by ``Corpus.writing``."""

    def __init__(
        self,
        corpus: "Corpus",
        check_lock: Callable[[], None],
        rows_per_commit: int,
        seconds_per_commit: float,
        bytes_per_commit: int,
    ) -> None:
        self._corpus = corpus
        self._check_lock = check_lock
        self._uri = str(corpus.path / UTTERANCES)
        self._options = lance_options(corpus.path)
        self._rows_per_commit = rows_per_commit
        self._seconds_per_commit = seconds_per_commit
        self._bytes_per_commit = bytes_per_commit
        self._is_replacing = False
        self._forget()

    def append(self, batch: pa.RecordBatch, *, replacing: bool = False) -> None:
        """Take finished rows; columns that the corpus lacks are added to it.

        Rows that do not fit raise ``LauterError`` at once and leave the other rows alone. The
        ids must be new: ``Corpus.pending`` says which are. With ``replacing``, rows of the same ids
        go as these come, in one commit.
        """
        if replacing != self._is_replacing:
            self.flush()
            self._is_replacing = replacing
        self._add_missing(batch.schema)
        fitted = _fitted(batch, self._corpus.schema)
        if not self._buffer:
            self._oldest = time.monotonic()
        self._buffer.append(fitted)
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        if (
            self._rows >= self._rows_per_commit
            or self._bytes >= self._bytes_per_commit
            or time.monotonic() - self._oldest >= self._seconds_per_commit
        ):
            self.flush()

    def flush(self) -> None:
        """Commit what is buffered, in one atomic version."""
        if self._rows:
            # Rows buffered before a column was added have none of it: nulls.
            rows = pa.concat_tables(
                [pa.Table.from_batches([batch]) for batch in self._buffer],
                promote_options="default",
            )
            # Lost if this fails, as by a full disk: closing must not try and fail again.
            self._forget()
            with self._committing():
                if self._is_replacing:
                    self._replace(rows)
                else:
                    lance.write_dataset(
                        rows, self._uri, mode="append", storage_options=self._options
                    )
            self._corpus.refresh()

    @contextmanager
    def _committing(self) -> Iterator[None]:
        """Make sure that nobody else writes, and turn what goes wrong into sentences."""
        self._check_lock()
        with plainly(self._corpus.path, "written"):
            yield

    def _replace(self, rows: pa.Table) -> None:
        last = {one: place for place, one in enumerate(rows["request_id"].to_pylist())}
        rows = rows.take(pa.array(sorted(last.values())))
        merge = self._newest().merge_insert("request_id")
        merge.when_matched_update_all().when_not_matched_insert_all().execute(rows)

    def _newest(self) -> lance.LanceDataset:
        return lance.dataset(self._uri, storage_options=self._options)

    def _forget(self) -> None:
        self._buffer: list[pa.RecordBatch] = []
        self._rows = 0
        self._bytes = 0
        self._oldest = time.monotonic()

    def _add_missing(self, schema: pa.Schema) -> None:
        """Add columns of nulls: a change of the schema alone, no row is written."""
        known = set(self._corpus.schema.names)
        missing = [field.with_nullable(True) for field in schema if field.name not in known]
        if missing:
            with self._committing():
                self._newest().add_columns(missing)
            self._corpus.refresh()

    def put_scores(self, scores: pa.Table) -> None:
        """Add or renew score columns by ``request_id``; rows not named keep what they have.

        Raises ``LauterError`` if an id is unknown or named twice, or if a column is no score.
        """
        asked = [
            name
            for name in scores.schema.names
            if name in UTTERANCE_SCHEMA.names and name != "request_id"
        ]
        if asked:
            raise LauterError(f"{', '.join(asked)} says what was spoken and is no score")
        self._put_columns(scores)

    def put_codes(self, codes: pa.Table) -> None:
        """Keep ``codes`` and ``codec_fingerprint`` by ``request_id``, in place of earlier ones.

        ``codec_error`` is kept where it is given. What was said of the earlier codes, by a teacher
        or as an error, says nothing of these, and is taken away. Raises ``LauterError`` if an id is
        unknown or named twice.
        """
        kept = ("request_id", "codes", CODEC_FIELD.name, CODEC_ERROR_FIELD.name)
        table = codes.select([name for name in kept if name in codes.schema.names])
        for field in (CODEC_ERROR_FIELD, *TOP_LOGITS_FIELDS):
            if field.name in self._corpus.schema.names and field.name not in table.schema.names:
                table = table.append_column(field, pa.nulls(len(table), field.type))
        self._put_columns(table)

    def _put_columns(self, scores: pa.Table) -> None:
        self.flush()
        columns = [name for name in scores.schema.names if name != "request_id"]
        self._add_missing(scores.select(columns).schema)
        if not scores.num_rows or not columns:
            return
        dataset = self._newest()
        addresses = _addresses(dataset, scores["request_id"])
        order = np.argsort(addresses)
        addresses = addresses[order]
        if (addresses[1:] == addresses[:-1]).any():
            raise LauterError("the scores name a request twice; give each request one row")
        schema = pa.schema([self._corpus.schema.field(name) for name in columns])
        update = _cast(scores.select(columns), schema).take(pa.array(order)).combine_chunks()
        update = update.add_column(0, "_rowid", pa.array(addresses))
        updated, fields = [], set()
        with self._committing():
            for fragment in dataset.get_fragments():
                # A row's address is its fragment in the upper and its offset in the lower half.
                ends = np.array([fragment.fragment_id, fragment.fragment_id + 1], np.uint64)
                first, last = np.searchsorted(addresses, ends << np.uint64(32))
                if first < last:
                    changed, modified = fragment.update_columns(update.slice(first, last - first))
                    updated.append(changed)
                    fields.update(modified)
            operation = lance.LanceOperation.Update(
                updated_fragments=updated, fields_modified=sorted(fields)
            )
            lance.LanceDataset.commit(
                self._uri,
                operation,
                read_version=dataset.version,
                storage_options=self._options,
            )
        self._corpus.refresh()

    def put_verdicts(
        self, policy_name: str, policy_digest: str, policy_yaml: str, verdicts: pa.Table
    ) -> None:
        """Keep the verdicts of a policy in place of its earlier ones, which stay a version."""
        self.flush()
        named = {"policy_name": policy_name, "policy_yaml": policy_yaml}
        table = _cast(verdicts, VERDICT_SCHEMA).replace_schema_metadata(named)
        folder = self._corpus.path / VERDICTS / f"{policy_digest}.lance"
        with self._committing():
            folder.parent.mkdir(exist_ok=True)
            write_dataset(table, folder)

    def put_voices(self, voices: pa.Table) -> None:
        """Keep voices; one that is known under the same speaker and dialect is replaced."""
        new = _cast(voices, VOICE_SCHEMA)
        known = self._corpus.voices()
        names = set(_voice_keys(new))
        kept = pa.array([key not in names for key in _voice_keys(known)], pa.bool_())
        table = pa.concat_tables([known.filter(kept).cast(VOICE_SCHEMA), new])
        with self._committing():
            write_dataset(table, self._corpus.path / VOICES)

    def remove(self, request_ids: pa.Array | pa.ChunkedArray | Sequence[str]) -> None:
        """Take rows out of the newest state, all at once; earlier versions still have them."""
        self.flush()
        if not len(request_ids):
            return
        named = pa.table({"request_id": pa.chunked_array(_chunks(request_ids), pa.string())})
        with self._committing():
            dataset = self._newest()
            dataset.merge_insert("request_id").when_matched_delete().execute(named)
        self._corpus.refresh()

    def compact(self) -> None:
        """Join small fragments, so that a corpus of many short runs stays quick to read.

        The rows are written anew; earlier versions keep their files.
        """
        self.flush()
        with self._committing():
            self._newest().optimize.compact_files(
                target_rows_per_fragment=FRAGMENT_ROWS, batch_size=256
            )
        self._corpus.refresh()


def _addresses(dataset: lance.LanceDataset, request_ids: pa.ChunkedArray) -> NDArray[np.uint64]:
    """Return where each request's row lies."""
    rows = dataset.to_table(columns=["request_id"], with_row_id=True).combine_chunks()
    found = pc.index_in(request_ids, value_set=rows["request_id"].combine_chunks())
    if found.null_count:
        missing = request_ids.filter(found.is_null())[0]
        raise LauterError(f"the corpus {dataset.uri} has no request {missing} to be scored")
    addresses: NDArray[np.uint64] = rows["_rowid"].take(found).to_numpy()
    return addresses


def _voice_keys(voices: pa.Table) -> list[tuple[str, str]]:
    return list(zip(voices["speaker"].to_pylist(), voices["dialect"].to_pylist(), strict=True))


def _chunks(values: pa.Array | pa.ChunkedArray | Sequence[str]) -> list[pa.Array]:
    if isinstance(values, pa.ChunkedArray):
        return list(values.chunks)
    return [values if isinstance(values, pa.Array) else pa.array(values, pa.string())]


def _cast(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return the columns of ``schema``, in its order and types."""
    try:
        return table.select(schema.names).cast(schema)
    except (KeyError, pa.ArrowInvalid, ValueError) as error:
        raise LauterError(f"these rows do not fit the corpus: {error}") from error


def _fitted(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return the batch with exactly the columns of ``schema``, nulls where it has none."""
    columns = []
    for field in schema:
        if field.name in batch.schema.names:
            column = _column_as(batch[field.name], field)
        else:
            column = pa.nulls(batch.num_rows, field.type)
        if not field.nullable and column.null_count:
            raise LauterError(f"a row without {field.name} cannot be kept in a corpus")
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _column_as(column: pa.Array, field: pa.Field) -> pa.Array:
    if column.type == field.type:
        return column
    try:
        return pc.cast(column, field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise LauterError(
            f"column '{field.name}' is {field.type} in the corpus and {column.type} in these rows; "
            "give the new figure a name of its own"
        ) from error
