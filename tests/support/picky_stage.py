"""A stage that raises for some texts, which Lauter's own stages do not do."""

from dataclasses import dataclass, field

import pyarrow as pa

from lauter.datasets.errors import UsageError
from lauter.pipelines.stage import BatchFunction, Resources

SEEN = pa.schema([pa.field("seen", pa.bool_())])


@dataclass(frozen=True)
class Picky:
    """Raises for a text that begins with ``raise`` or ``misuse``."""

    resources: Resources = field(default_factory=lambda: Resources(batch_size=3))
    name: str = "picky"
    reads: tuple[str, ...] = ("text",)
    adds: pa.Schema = SEEN

    def open(self) -> BatchFunction:
        return look


def look(batch: pa.RecordBatch) -> pa.RecordBatch:
    for text in batch["text"].to_pylist():
        if text.startswith("raise"):
            raise ValueError(f"not '{text}'")
        if text.startswith("misuse"):
            raise UsageError("this cannot be asked; ask another thing")
    return batch.append_column("seen", pa.repeat(True, batch.num_rows))
