"""Utterances joined with their verdicts, batch by batch.

Verdicts lie in their own order. Where each utterance's verdict lies is found once for the whole
corpus, so a batch costs a ``take`` of its own rows. What grows with the corpus are the verdicts,
which are all in memory: a few bytes for an accepted row, some 130 for each gate that a row failed.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lauter.datasets.records import VERDICT_SCHEMA

JUDGED_FIELDS = [
    VERDICT_SCHEMA.field("accepted").with_nullable(True),
    VERDICT_SCHEMA.field("failed_gates").with_nullable(True),
]
JUDGED_COLUMNS = [field.name for field in JUDGED_FIELDS]


class Judgements:
    """The verdicts of one policy, in the order of the utterances ``request_ids``."""

    def __init__(self, request_ids: pa.Array, verdicts: pa.Table) -> None:
        self._verdicts = verdicts.select(JUDGED_COLUMNS).combine_chunks()
        known = verdicts["request_id"].combine_chunks()
        self._lies_at = pc.index_in(request_ids, value_set=known)

    def rows(self, accepted: bool) -> NDArray[np.int64]:
        """Return the numbers of the utterances that were accepted, or of those rejected.

        Rows that came after the last judging are neither.
        """
        verdicts = self._verdicts["accepted"].combine_chunks().take(self._lies_at)
        chosen = pc.fill_null(pc.equal(verdicts, accepted), False)
        return np.flatnonzero(chosen.to_numpy(zero_copy_only=False))

    def join(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield all utterances, in their order, with their verdicts beside them."""
        start = 0
        for batch in batches:
            yield self._joined(batch, self._lies_at.slice(start, batch.num_rows))
            start += batch.num_rows

    def join_rows(self, batch: pa.RecordBatch, rows: NDArray[np.int64]) -> pa.RecordBatch:
        """Return the utterances of ``rows`` with their verdicts beside them."""
        return self._joined(batch, self._lies_at.take(pa.array(rows)))

    def _joined(self, batch: pa.RecordBatch, lies_at: pa.Array) -> pa.RecordBatch:
        judged = self._verdicts.take(lies_at)
        return pa.RecordBatch.from_arrays(
            [*batch.columns, *(judged[name].combine_chunks() for name in JUDGED_COLUMNS)],
            schema=pa.schema([*batch.schema, *JUDGED_FIELDS]),
        )
