"""Reads samples out of a Lance export, by the numbers of their rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lauter.datasets.errors import UsageError
from lauter.datasets.exported import SPEECH
from lauter.datasets.location import Location, lance_options
from lauter.datasets.reading_order import Place
from lauter.datasets.speech_sample import SpeechSample, samples_number

ROWS_A_SHARD = 4096
"""Lance has no shards; for mixing, this many neighbouring rows count as one."""


@dataclass(frozen=True, slots=True)
class LanceSource:
    """The rows of one split, from ``first`` on, as shards of ``ROWS_A_SHARD``."""

    folder: Location
    first: int
    samples: int

    @property
    def counts(self) -> list[int]:
        """How many samples each shard has."""
        full, rest = divmod(self.samples, ROWS_A_SHARD)
        return [ROWS_A_SHARD] * full + [rest] * bool(rest)

    @property
    def identity(self) -> int:
        """A number that tells these rows, in their order, from any others."""
        rows = open_speech(self.folder).to_table(
            columns=["request_id"], limit=self.samples, offset=self.first, scan_in_order=True
        )
        return samples_number(rows["request_id"].to_pylist())

    def open(self) -> "LanceReader":
        """Open a reader."""
        return LanceReader(self)


def find_rows(folder: Location, split: str) -> LanceSource:
    """Return the rows of a split, which lie together.

    Raises ``UsageError`` where ``folder`` is no Lance export or has no such split.
    """
    splits = open_speech(folder).to_table(columns=["split"], scan_in_order=True)["split"]
    lengths = pc.run_end_encode(splits.combine_chunks())
    found = dict(zip(lengths.values.to_pylist(), lengths.run_ends.to_pylist(), strict=True))
    if split not in found:
        raise UsageError(f"the export {folder} has no split '{split}'; it has {', '.join(found)}")
    first = max((end for end in found.values() if end < found[split]), default=0)
    return LanceSource(folder, first, found[split] - first)


def open_speech(folder: Location) -> Any:
    """Open the dataset of a Lance export; raises ``UsageError`` where it is damaged."""
    # Who reads shards needs no Lance, which would warn in each of his forked workers.
    import lance

    try:
        return lance.dataset(str(folder / SPEECH), storage_options=lance_options(folder))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{folder / SPEECH} cannot be opened; it is damaged: copy it again"
        ) from error


class LanceReader:
    """Takes rows by number."""

    def __init__(self, source: LanceSource) -> None:
        self._first = source.first
        self._dataset = open_speech(source.folder)
        self._columns = [name for name in self._dataset.schema.names if name != "split"]

    def read(self, places: Sequence[Place]) -> list[SpeechSample]:
        """Return the samples at ``places``."""
        rows = [self._first + place.shard * ROWS_A_SHARD + place.row for place in places]
        taken: pa.Table = self._dataset.take(rows, columns=self._columns)
        return [SpeechSample(row["request_id"], row.pop("audio"), row) for row in taken.to_pylist()]

    def close(self) -> None:
        """Nothing stays open."""
