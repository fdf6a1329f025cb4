"""What failed is tried again, and nothing of it twice that was paid for.

Codes that came and could not be decoded are decoded again, and nobody is asked for them. Of what is
asked again, the new row keeps what the failed one cost: a corpus's cost is that of all its asking.
"""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from lauter.datasets.corpus import Corpus
from lauter.pipelines.speak import Speak

_COSTS = ("wall_s", "device_s")
Costs = Mapping[str, Mapping[str, float]]
"""What requests have cost, by their ids and the names of the columns."""


def undecoded(corpus: Corpus, requests: pa.Table, speaking: Speak) -> pa.Table:
    """Return the rows of ``requests`` that failed after their codes had come, as if they had not.

    They have the columns that they had before they were decoded.
    """
    wanted = [*requests.schema.names, *speaking.adds.names]
    names = [name for name in wanted if name in corpus.schema.names]
    schema = pa.schema([corpus.schema.field(name) for name in names])
    if "codes" not in names:
        return schema.empty_table()
    found = pa.Table.from_batches(
        corpus.scan(names, where="error_kind = 'failed' AND codes IS NOT NULL"), schema
    )
    asked = requests["request_id"].combine_chunks()
    rows = found.filter(pc.is_in(found["request_id"], value_set=asked))
    for name in ("error_kind", "error"):
        place = rows.schema.get_field_index(name)
        rows = rows.set_column(place, schema.field(name), pa.nulls(len(rows), pa.string()))
    return rows


def costs_of(corpus: Corpus, requests: pa.Table) -> Costs:
    """Return what those of ``requests`` have cost that are in the corpus."""
    asked = requests["request_id"].combine_chunks()
    found: dict[str, Mapping[str, float]] = {}
    for batch in corpus.scan(["request_id", *_COSTS], where="error_kind IS NOT NULL"):
        for row in batch.filter(pc.is_in(batch["request_id"], value_set=asked)).to_pylist():
            found[row["request_id"]] = row
    return found


def with_costs(batch: pa.RecordBatch, before: Costs) -> pa.RecordBatch:
    """Return a batch whose rows cost what they did before as well."""
    if not before:
        return batch
    ids = batch["request_id"].to_pylist()
    for name in _COSTS:
        place = batch.schema.get_field_index(name)
        added = pa.array([before.get(one, {}).get(name, 0.0) for one in ids], pa.float64())
        column = pc.add(batch[name], added)
        batch = batch.set_column(place, batch.schema.field(name), column)
    return batch
