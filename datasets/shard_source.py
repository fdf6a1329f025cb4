"""Reads samples out of an export's tars, at the places that ``samples.parquet`` tells.

A sample is one stretch of its tar, so it is read with one call and no walk through headers: no
faster way was found to have the bytes, and any order costs the same. A tar that is shorter than it
was written is noticed before the first sample is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import pyarrow as pa
import pyarrow.parquet as pq

from lauter.datasets.errors import UsageError
from lauter.datasets.exported import (
    SAMPLES,
    SHARDS_KEY,
    facts_from_json,
    open_samples,
)
from lauter.datasets.exported_sample import BLOCK
from lauter.datasets.location import Location
from lauter.datasets.reading_order import Place
from lauter.datasets.speech_sample import SpeechSample, samples_number
from lauter.datasets.stretches import OPEN_FILES, Stretch, open_stretches, sizes_in

_COPY_AGAIN = "copy it again, or set damaged='skip' to go on with what can be read"


@dataclass(frozen=True, slots=True)
class ReadableShard:
    """A shard; ``row_group`` is its number in ``samples.parquet``."""

    path: str
    row_group: int
    samples: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ShardSource:
    """The shards of one split."""

    folder: Location
    shards: tuple[ReadableShard, ...]

    @property
    def counts(self) -> list[int]:
        """How many samples each shard has."""
        return [shard.samples for shard in self.shards]

    @property
    def identity(self) -> int:
        """A number that tells these shards, as they were written, from any others."""
        return samples_number(shard.sha256 for shard in self.shards)

    def open(self) -> "ShardReader":
        """Open a reader."""
        return ShardReader(self)


def find_shards(folder: Location, split: str, *, skip_damaged: bool = False) -> ShardSource:
    """Return the shards of a split, each checked to be as long as it was written.

    Raises ``UsageError`` where ``folder`` is no export or has no such split, and where a shard is
    missing or cut off; with ``skip_damaged`` such a shard has as many samples as can be read.
    """
    table = _open_table(folder)
    listed = facts_from_json(table.metadata.metadata[SHARDS_KEY.encode()])
    splits = sorted({shard.split for shard in listed})
    if split not in splits:
        raise UsageError(f"the export {folder} has no split '{split}'; it has {', '.join(splits)}")
    sizes = sizes_in(folder, (shard.path for shard in listed if shard.split == split))
    found, damage = [], []
    for row_group, facts in enumerate(listed):
        if facts.split != split:
            continue
        shard = ReadableShard(facts.path, row_group, facts.samples, facts.sha256)
        size = sizes.get(facts.path)
        if size is None:
            damage.append(f"the shard {folder / facts.path} is missing")
            continue
        if size < facts.size:
            readable = _readable(folder, shard, size, table)
            damage.append(
                f"the shard {folder / facts.path} is cut off: it has {size} of {facts.size} bytes "
                f"and {readable} of {facts.samples} samples"
            )
            shard = replace(shard, samples=readable)
        found.append(shard)
    if damage and not skip_damaged:
        in_all = f" (damaged shards in all: {len(damage)})" if damage[1:] else ""
        raise UsageError(f"{damage[0]}{in_all}; {_COPY_AGAIN}")
    if not any(shard.samples for shard in found):
        raise UsageError(
            f"of the split '{split}' of the export {folder} no sample can be read; copy it again"
        )
    return ShardSource(folder, tuple(found))


def _open_table(folder: Location) -> pq.ParquetFile:
    try:
        table = open_samples(folder)
        if SHARDS_KEY.encode() not in (table.metadata.metadata or {}):
            raise UsageError(f"{folder / SAMPLES} does not list shards; export the corpus again")
        return table
    except FileNotFoundError:
        raise UsageError(
            f"{folder} is no export: it has no {SAMPLES}; name a folder that `lauter export` made"
        ) from None
    except pa.ArrowInvalid as error:
        raise UsageError(
            f"{folder / SAMPLES} is damaged ({error}); copy it again from where it was made"
        ) from error


def _readable(folder: Location, shard: ReadableShard, size: int, table: pq.ParquetFile) -> int:
    """Count the samples at the beginning of a tar of ``size`` bytes that are all there."""
    places = _places(table, shard.row_group)
    whole = sum(offset + length <= size for offset, length in places)
    if whole < shard.samples:
        # All that may miss of the next one is what fills its last block.
        offset, _ = places[whole]
        with (folder / shard.path).open("rb") as tar:
            tar.seek(offset)
            whole += _parsed(tar.read()) is not None
    return whole


def _places(table: pq.ParquetFile, row_group: int) -> list[tuple[int, int]]:
    columns = table.read_row_group(row_group, columns=["offset", "size"])
    return list(zip(*(columns[name].to_pylist() for name in ("offset", "size")), strict=True))


class ShardReader:
    """Keeps at hand where the samples of the shards read last lie."""

    def __init__(self, source: ShardSource) -> None:
        self._source = source
        self._table = _open_table(source.folder)
        self._stretches = open_stretches(source.folder)
        self._places = lru_cache(OPEN_FILES)(
            lambda shard: _places(self._table, source.shards[shard].row_group)
        )

    def read(self, places: Sequence[Place]) -> list[SpeechSample]:
        """Return the samples at ``places``; raises ``UsageError`` where other bytes lie there."""
        wanted = [
            Stretch(self._source.shards[shard].path, *self._places(shard)[row])
            for shard, row in places
        ]
        found = zip(wanted, self._stretches.read(wanted), strict=True)
        return [self._sample(stretch, members) for stretch, members in found]

    def close(self) -> None:
        """Close all files."""
        self._stretches.close()
        self._table.close()

    def _sample(self, stretch: Stretch, members: bytes) -> SpeechSample:
        sample = _parsed(members)
        if sample is None:
            raise UsageError(
                f"the shard {self._source.folder / stretch.path} has no whole sample at byte "
                f"{stretch.offset}, where {SAMPLES} says it has one; "
                "the two are not of one export, or damaged: copy both again"
            )
        return sample


def _parsed(members: bytes) -> SpeechSample | None:
    """Return the sample whose two members begin with ``members``; None where they are not whole."""
    flac = _member(members, 0)
    if flac is None:
        return None
    name, start, stop = flac
    described = _member(members, stop + -stop % BLOCK)
    if described is None or not name.endswith(b".flac"):
        return None
    _, json_start, json_stop = described
    key = name.removesuffix(b".flac").decode(errors="replace")
    return SpeechSample(key, members[start:stop], members[json_start:json_stop])


def _member(data: bytes, offset: int) -> tuple[bytes, int, int] | None:
    """Return name, start and end of the member at ``offset``; None where it is not whole."""
    header = data[offset : offset + BLOCK]
    if header[257:262] != b"ustar":
        return None
    start = offset + BLOCK
    try:
        stop = start + int(header[124:135], 8)
    except ValueError:
        return None
    return (header[:100].rstrip(b"\0"), start, stop) if stop <= len(data) else None
