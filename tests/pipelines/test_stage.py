"""Stages fit together or say what is missing, and each gets batches of the size it wants."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pytest

from lauter.datasets.errors import LauterError
from lauter.pipelines.isolation import open_chain
from lauter.pipelines.stage import BatchFunction, Pipeline, Resources


@dataclass(frozen=True)
class Remember:
    """Adds the size of the batch in which a row came."""

    name: str
    resources: Resources
    reads: Sequence[str] = ()
    adds: pa.Schema = field(default_factory=lambda: pa.schema([]))

    def open(self) -> BatchFunction:
        def remember(batch: pa.RecordBatch) -> pa.RecordBatch:
            sizes = pa.repeat(batch.num_rows, batch.num_rows)
            return batch.append_column(self.name, sizes)

        return remember


def test_each_stage_gets_batches_of_its_own_size() -> None:
    small, large = (
        Remember("small", Resources(batch_size=4)),
        Remember("large", Resources(batch_size=9)),
    )
    rows = pa.table({"row": range(9)})
    pipeline = Pipeline(rows.schema, (small, large))
    assert pipeline.batch_size == 9
    (batch,) = rows.to_batches()
    finished = open_chain(pipeline)(batch)
    assert finished["row"].to_pylist() == list(range(9))
    assert finished["small"].to_pylist() == [4] * 8 + [1]
    assert finished["large"].to_pylist() == [9] * 9


def test_a_stage_that_lacks_a_column_is_named() -> None:
    with pytest.raises(LauterError, match="stage 'needy' reads nothing_of_the_kind"):
        Pipeline(pa.schema([]), (Remember("needy", Resources(), ("nothing_of_the_kind",)),))
