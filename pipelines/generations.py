"""Chains of a teacher that edits what was spoken: one generation after the other.

What is edited must be there, so all requests that are no edits come first, then the edits of them,
and so on; between two generations the corpus is committed. Their parents' codes are then taken from
it, whoever decoded them and when, and are never asked for again.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lauter.datasets.codes import Codes
from lauter.datasets.corpus import Corpus
from lauter.datasets.layout import Reference
from lauter.datasets.lineage import PARENT_FIELD
from lauter.datasets.location import Location
from lauter.teacher.protocol import UnspokenError

_TAKEN = ("request_id", "text", "codes", "error_kind", "error")


def generations(requests: pa.Table) -> Iterator[pa.Table]:
    """Yield ``requests`` in parts: each row's parent is in an earlier part, or not among them.

    Of a run that goes on, the first part has neutral speech and edits of what is there already.
    """
    ids = requests["request_id"].combine_chunks()
    parents = requests[PARENT_FIELD.name].combine_chunks()
    done = pc.invert(pc.is_in(parents, value_set=ids))
    left = requests
    while left.num_rows:
        yield left.filter(done)
        left = left.filter(pc.invert(done))
        waiting = left["request_id"].combine_chunks()
        done = pc.invert(pc.is_in(left[PARENT_FIELD.name].combine_chunks(), value_set=waiting))


class Parents:
    """The spoken parents of requests, from a corpus."""

    def __init__(self, corpus: Location) -> None:
        self._corpus = Corpus.open(corpus)

    def of(self, batch: pa.RecordBatch) -> Mapping[str, Reference | UnspokenError]:
        """Return each edit's parent by the edit's id, or why there is none to be edited."""
        named = dict(
            zip(batch["request_id"].to_pylist(), batch[PARENT_FIELD.name].to_pylist(), strict=True)
        )
        wanted = {parent for parent in named.values() if parent is not None}
        rows = self._rows(sorted(wanted))
        return {
            request: _reference(parent, rows.get(parent))
            for request, parent in named.items()
            if parent is not None
        }

    def _rows(self, ids: Sequence[str]) -> Mapping[str, Mapping[str, object]]:
        if not ids:
            return {}
        quoted = ", ".join(f"'{one}'" for one in ids)
        batches = self._corpus.scan(_TAKEN, where=f"request_id IN ({quoted})")
        return {row["request_id"]: row for batch in batches for row in batch.to_pylist()}


def _reference(parent: str, row: Mapping[str, object] | None) -> Reference | UnspokenError:
    if row is None:
        return UnspokenError(f"the utterance {parent} that it is an edit of is not in the corpus")
    if row["error_kind"] is not None or not row["codes"]:
        why = row["error"] or "it has no codes"
        return UnspokenError(f"what it is an edit of was not spoken ({parent}): {why}")
    codes: Codes = np.asarray(row["codes"], np.int32)
    return Reference(str(row["text"]), codes, f"the utterance {parent}")
