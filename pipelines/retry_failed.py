"""What failed is tried again, and nothing of it twice that was paid for.

Codes that came and could not be decoded are decoded again, and nobody is asked for them. Of what is
asked again, the new row keeps what the failed one cost: a corpus's cost is that of all its asking.
"""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lauter.datasets.corpus import Corpus
from lauter.datasets.records import SERVER_ATTEMPTS_FIELD
from lauter.pipelines.speak import Speak

_COSTS = ("wall_s", "device_s")
_ATTEMPTS = SERVER_ATTEMPTS_FIELD.name
Costs = Mapping[str, Mapping[str, Any]]
"""What requests have cost, by their ids and the names of the columns."""

_HAS_CODES = "error_kind IN ('failed', 'crashed') AND codes IS NOT NULL"
"""Codes that are no speech are of the kind `invalid`, and worth nothing."""


def undecoded(corpus: Corpus, requests: pa.Table, speaking: Speak) -> pa.Table:
    """Return the rows of ``requests`` that failed after their codes had come, as if they had not.

    They have the columns that they had before they were decoded.
    """
    wanted = [*requests.schema.names, *speaking.adds.names]
    names = [name for name in wanted if name in corpus.schema.names]
    schema = pa.schema([corpus.schema.field(name) for name in names])
    if "codes" not in names:
        return schema.empty_table()
    found = pa.Table.from_batches(corpus.scan(names, where=_HAS_CODES), schema)
    asked = requests["request_id"].combine_chunks()
    rows = found.filter(pc.is_in(found["request_id"], value_set=asked))
    for name in ("error_kind", "error"):
        place = rows.schema.get_field_index(name)
        rows = rows.set_column(place, schema.field(name), pa.nulls(len(rows), pa.string()))
    return rows


def costs_of(corpus: Corpus, requests: pa.Table) -> Costs:
    """Return what those of ``requests`` have cost that failed."""
    asked = requests["request_id"].combine_chunks()
    names = [name for name in (*_COSTS, _ATTEMPTS) if name in corpus.schema.names]
    found: dict[str, Mapping[str, Any]] = {}
    for batch in corpus.scan(["request_id", *names], where="error_kind IS NOT NULL"):
        for row in batch.filter(pc.is_in(batch["request_id"], value_set=asked)).to_pylist():
            found[row["request_id"]] = row
    return found


def with_costs(batch: pa.RecordBatch, before: Costs) -> pa.RecordBatch:
    """Return a batch whose rows cost what they did before as well."""
    rows = batch.select([n for n in (*_COSTS, _ATTEMPTS) if n in batch.schema.names]).to_pylist()
    for request_id, row in zip(batch["request_id"].to_pylist(), rows, strict=True):
        for name, cost in before.get(request_id, {}).items():
            if name in row and cost:
                row[name] = cost + row[name] if row[name] else cost
    for name in rows[0] if rows else ():
        field = batch.schema.field(name)
        column = pa.array([row[name] for row in rows], field.type)
        batch = batch.set_column(batch.schema.get_field_index(name), field, column)
    return batch
