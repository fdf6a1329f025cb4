"""Near-duplicates over a whole corpus: the same words, by the same voice, in the same manner.

The same text by another speaker or in another emotion is wanted and is no duplicate. Texts count
as the same when they differ only in case, width, punctuation or spacing. Of a group the row with
the smallest id is kept, so the result does not depend on the order of rows.
"""

import pyarrow as pa
import pyarrow.compute as pc

from lauter.datasets.records import CELL_COLUMNS, described

DUPLICATE_FIELDS = (
    described("duplicate_of", pa.string(), "The row that this one repeats; null: it repeats none"),
    described("text_duplicate_similarity", pa.float64(), "Likeness of the two texts, 0 to 1"),
)


def duplicates(rows: pa.Table) -> pa.Table:
    """Return ``request_id`` and ``DUPLICATE_FIELDS`` for each row.

    ``rows`` has ``request_id``, ``text`` and the columns of ``CELL_COLUMNS``.
    """
    plain = pc.utf8_lower(pc.utf8_normalize(rows["text"], form="NFKC"))
    plain = pc.replace_substring_regex(plain, r"[^\p{L}\p{N}]+", "")
    table = rows.select(["request_id", *CELL_COLUMNS]).append_column("plain", plain)
    keys = ["plain", *CELL_COLUMNS]
    keepers = table.group_by(keys).aggregate([("request_id", "min")])
    joined = table.join(keepers, keys=keys).select(["request_id", "request_id_min"])
    repeats = pc.not_equal(joined["request_id"], joined["request_id_min"])
    of = pc.if_else(repeats, joined["request_id_min"], pa.scalar(None, pa.string()))
    similarity = pc.if_else(repeats, 1.0, pa.scalar(None, pa.float64()))
    return pa.table(
        [joined["request_id"], of, similarity],
        schema=pa.schema([pa.field("request_id", pa.string()), *DUPLICATE_FIELDS]),
    )
