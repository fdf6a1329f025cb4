"""The records of an export without its sound, in blocks of neighbours.

Both kinds of export keep records apart from sound, so an hour of speech costs 0.6 MB here where
the audio would cost 100. A block is a shard's records, or 4096 rows of Lance.
"""

from collections.abc import Sequence
from typing import Protocol

import pyarrow as pa

from lauter.datasets.exported import SPEECH, check_finished, open_samples
from lauter.datasets.lance_source import ROWS_A_SHARD, LanceSource, find_rows, open_speech
from lauter.datasets.location import Location, location_of
from lauter.datasets.shard_source import ShardSource, find_shards


class Blocks(Protocol):
    """The records of a split, in blocks of neighbours."""

    @property
    def counts(self) -> Sequence[int]:
        """How many rows each block has."""
        ...

    @property
    def identity(self) -> int:
        """A number that tells these rows from any others."""
        ...

    def columns(self) -> list[str]:
        """Return the names of what is known of a sample."""
        ...

    def read(self, block: int, columns: Sequence[str]) -> pa.Table:
        """Return some columns of a block's rows."""
        ...


class ShardBlocks:
    """The records of WebDataset shards, out of ``samples.parquet``: a block each shard."""

    def __init__(self, source: ShardSource) -> None:
        self._source = source
        self.counts = source.counts
        self.identity = source.identity

    def columns(self) -> list[str]:
        """Return the names of what is known of a sample."""
        with open_samples(self._source.folder) as table:
            return list(table.schema_arrow.names)

    def read(self, block: int, columns: Sequence[str]) -> pa.Table:
        """Return some columns of a block's rows."""
        group = self._source.shards[block].row_group
        with open_samples(self._source.folder) as table:
            return table.read_row_group(group, columns=list(columns))


class LanceBlocks:
    """The records of a Lance export: blocks of ``ROWS_A_SHARD`` rows."""

    def __init__(self, source: LanceSource) -> None:
        self._dataset = open_speech(source.folder)
        self._first = source.first
        self.counts = source.counts
        self.identity = source.identity

    def columns(self) -> list[str]:
        """Return the names of what is known of a sample."""
        return list(self._dataset.schema.names)

    def read(self, block: int, columns: Sequence[str]) -> pa.Table:
        """Return some columns of a block's rows."""
        return self._dataset.to_table(
            columns=list(columns),
            offset=self._first + block * ROWS_A_SHARD,
            limit=self.counts[block],
            scan_in_order=True,
        )


def open_blocks(folder: str | Location, split: str) -> Blocks:
    """Return the records of a split of an export of either kind.

    Raises ``UsageError`` for a folder that is no export.
    """
    place = location_of(folder)
    check_finished(place)
    return blocks_in(place, split)


def blocks_in(folder: Location, split: str) -> Blocks:
    """Return as ``open_blocks`` the records of an export that may still be being written."""
    if (folder / SPEECH).exists():
        return LanceBlocks(find_rows(folder, split))
    return ShardBlocks(find_shards(folder, split))
