"""Dead letters: rows for requests whose speaking, stage or worker could not be saved."""

from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from lauter.datasets.errors import LauterError
from lauter.datasets.records import SERVER_ATTEMPTS_FIELD

MAX_CRASHES = 2
"""How often a single row may take its worker down before it is given up."""


PAID: Final = ("codes", "attempts", "wall_s", "device_s", SERVER_ATTEMPTS_FIELD.name)
"""What a row has cost, and what was got for it."""


def dead_letters(
    rows: pa.RecordBatch,
    schema: pa.Schema,
    error: str,
    attempts: int,
    kind: str = "crashed",
    *,
    source: Sequence[str] = (),
) -> pa.RecordBatch:
    """Return finished rows of ``kind`` (crashed or failed) for ``rows`` that failed on their way.

    Of each stays what it was asked with (the columns of ``source``, all where none are named) and
    what was paid for it before. Raises ``LauterError`` with ``error`` where finished rows have no
    column to say it in.
    """
    if "error" not in schema.names:
        raise LauterError(error)
    count = rows.num_rows
    kept = {*(source or rows.schema.names), *PAID} & set(schema.names)
    known: dict[str, pa.Array] = {
        "attempts": pa.repeat(pa.scalar(attempts, pa.int8()), count),
        "wall_s": pa.repeat(0.0, count),
        "device_s": pa.repeat(0.0, count),
    }
    for name in rows.schema.names:
        if name in kept:
            # A row that failed before it was spoken has null for its cost.
            known[name] = pc.coalesce(rows[name], known[name]) if name in known else rows[name]
    known |= {"error_kind": pa.repeat(kind, count), "error": pa.repeat(error, count)}
    return pa.RecordBatch.from_arrays(
        [known.get(field.name, pa.nulls(count, field.type)) for field in schema], schema=schema
    )
