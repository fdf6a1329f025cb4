"""Dead letters: rows for requests whose speaking, stage or worker could not be saved."""

import pyarrow as pa

from lauter.datasets.errors import LauterError

MAX_CRASHES = 2
"""How often a single row may take its worker down before it is given up."""


def dead_letters(
    requests: pa.RecordBatch, schema: pa.Schema, error: str, attempts: int, kind: str = "crashed"
) -> pa.RecordBatch:
    """Return finished rows of ``kind`` (crashed or failed) for ``requests``, all else null.

    What a request had cost before it came here, where it says so, it has cost.

    Raises ``LauterError`` with ``error`` where finished rows have no column to say it in.
    """
    if "error" not in schema.names:
        raise LauterError(error)
    count = requests.num_rows
    known: dict[str, pa.Array] = (
        {
            "attempts": pa.repeat(pa.scalar(attempts, pa.int8()), count),
            "wall_s": pa.repeat(0.0, count),
            "device_s": pa.repeat(0.0, count),
        }
        | {name: requests[name] for name in requests.schema.names if name in schema.names}
        | {"error_kind": pa.repeat(kind, count), "error": pa.repeat(error, count)}
    )
    return pa.RecordBatch.from_arrays(
        [known.get(field.name, pa.nulls(count, field.type)) for field in schema], schema=schema
    )
