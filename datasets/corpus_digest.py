"""One digest of a whole corpus: pure functions of its columns.

It covers what a run decides (which requests, what they sound like, what was judged of them) and
nothing that differs between two runs of one plan (times, order, batches), so that engines and
resumed runs can be compared by it.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lauter.datasets.identity import digest

DIGEST_DOMAIN = "lauter.corpus.v1"


def corpus_digest(utterances: pa.Table, verdicts: pa.Table | None) -> str:
    """Return the digest of ``request_id`` and ``audio_digest``, and of the verdicts if any.

    Of a verdict count ``accepted`` and the names of the failed gates, not the figures: these may
    differ in their last digits between engines that batch differently.
    """
    spoken = _joined(utterances["request_id"], utterances["audio_digest"])
    lines = sorted(spoken.to_pylist())
    if verdicts is not None:
        accepted = pc.cast(verdicts["accepted"], pa.string())
        failed = pa.chunked_array([gate_names(verdicts["failed_gates"])])
        judged = _joined(verdicts["request_id"], accepted, failed)
        lines += ["", *sorted(judged.to_pylist())]
    return digest(DIGEST_DOMAIN, "\n".join(lines))


def gate_names(failed_gates: pa.ChunkedArray) -> pa.Array:
    """Return, for each row, the sorted names of its failed gates between commas."""
    lists = failed_gates.combine_chunks()
    rows, names = pc.list_parent_indices(lists), pc.struct_field(pc.list_flatten(lists), "gate")
    table = pa.table({"row": rows, "name": names})
    names = table.sort_by([("row", "ascending"), ("name", "ascending")])["name"].combine_chunks()
    counts = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), names), ",")


def _joined(*columns: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(*columns, "|", null_handling="replace", null_replacement="")
