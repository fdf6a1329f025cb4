"""What an engine is: something that runs a pipeline over rows and hands back finished batches."""

from collections.abc import Iterator
from typing import Protocol

import pyarrow as pa

from lauter.pipelines.stage import Pipeline


class Engine(Protocol):
    """Runs pipelines."""

    name: str

    def start(self) -> None:
        """Join the machines where pipelines run, where that is not done yet."""
        ...

    def run(self, pipeline: Pipeline, rows: pa.Table) -> Iterator[pa.RecordBatch]:
        """Yield finished batches of ``pipeline.schema`` as they are done, in any order.

        Every row of ``rows`` comes back exactly once. Closing the iterator ends the workers.
        """
        ...
