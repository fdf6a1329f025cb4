"""Export as shards that webdataset, Lhotse, Hugging Face datasets and Energon read as they are.

Each shard is a tar and a list of cuts. A sample is two members of the tar under one key, the
request id: ``<key>.flac``, the audio of the corpus with its mark (``marking.py``), and
``<key>.json``. What the latter may be is decided by Lhotse's Shar reader, which takes members in
pairs, the second of which must be a recording's manifest without any word of its own. So it is one,
and the sample's record (text, tags, figures, codes) stands in it where a manifest says what the
audio was made from: ``sources[0].source``. See docs/decisions/shards.md.

``samples.parquet`` says where each sample lies and what its record is; our own loader finds
samples by it, and anyone can ask it questions without opening a tar.
"""

import gzip
import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from lauter.datasets.card import data_card
from lauter.datasets.consent import Leave
from lauter.datasets.corpus import Corpus
from lauter.datasets.croissant import croissant
from lauter.datasets.edit_pairs import check_codes, write_edit_pairs
from lauter.datasets.errors import UsageError
from lauter.datasets.exported import (
    CARD,
    CROISSANT,
    PLACE_FIELDS,
    SAMPLES,
    SHARDS_KEY,
    VOICES_FILE,
    ExportedFile,
    ExportSummary,
    ShardFacts,
    cuts_name,
    facts_json,
    shard_name,
)
from lauter.datasets.exported_sample import BLOCK, ExportedSample
from lauter.datasets.exported_voices import voices_json
from lauter.datasets.location import Location, location_of
from lauter.datasets.marked_rows import marked_batches
from lauter.datasets.selection import Selection, plain_row, select
from lauter.datasets.whole_export import whole_export

END_OF_TAR = bytes(2 * BLOCK)


def export_webdataset(
    corpus: Corpus,
    folder: str | Location,
    *,
    policy: str | None = None,
    seed: int = 0,
    shard_bytes: int = 256 << 20,
    accepted: bool | None = True,
    splits: Mapping[str, float] | None = None,
    split_by: str = "text",
    overwrite: bool = False,
    edit_pairs: bool = False,
    leave: Leave | None = None,
    on_sample: Callable[[int, int], None] | None = None,
) -> ExportSummary:
    """Write the accepted rows of ``corpus`` as tars of at most ``shard_bytes`` each.

    ``accepted=False`` takes the rejected rows and ``None`` all that were spoken, each with its
    verdict; ``splits`` gives shares by name, all in ``train`` otherwise, drawn by ``split_by``
    (text or speaker); rows in voices that may not be used by ``leave`` (None: nobody asks) are left
    out. ``edit_pairs`` writes those of each split beside it (``edit_pairs.py``). The same corpus,
    policy and seed give the same files, to the byte. A sample larger than ``shard_bytes`` has a
    shard of its own. ``on_sample`` is told after each sample how many of how many are written.
    Raises ``UsageError`` where there is nothing to export, where pairs are asked for and codes are
    missing, where ``folder`` is there already (unless it is an export that may be overwritten), or
    the disk is full.
    """
    if shard_bytes < 1:
        raise UsageError(f"a shard of {shard_bytes} bytes holds nothing; set shard_bytes above 0")
    target = location_of(folder)
    with whole_export(target, overwrite=overwrite) as begin:
        selection = select(
            corpus,
            policy=policy,
            seed=seed,
            accepted=accepted,
            splits=splits,
            split_by=split_by,
            leave=leave,
        )
        if edit_pairs:
            check_codes(selection)  # before what is overwritten goes
        hidden = begin()
        audio_bytes, duration_s, written = 0, 0.0, 0
        shards = ShardWriter(hidden, selection.fields, shard_bytes)
        for split in selection.splits:
            shards.begin(split)
            for sample in _samples(selection, split):
                shards.add(sample)
                audio_bytes += len(sample.flac)
                duration_s += sample.duration_s
                written += 1
                if on_sample:
                    on_sample(written, len(selection.rows))
        files = shards.close()
        summary = ExportSummary(
            target, written, shards.count, audio_bytes, duration_s, selection.splits, files,
            dict(selection.tally.left_out),
            write_edit_pairs(hidden, selection.splits) if edit_pairs else {},
        )  # fmt: skip
        (hidden / CROISSANT).write_text(croissant(selection, summary), encoding="utf-8")
        (hidden / VOICES_FILE).write_text(voices_json(selection), encoding="utf-8")
        (hidden / CARD).write_text(data_card(selection, summary), encoding="utf-8")
    return summary


def _samples(selection: Selection, split: str) -> Iterator[ExportedSample]:
    for batch in marked_batches(selection, split):
        for row in batch.to_pylist():
            audio = row.pop("audio")
            yield ExportedSample(row["request_id"], audio, plain_row(row))


class ShardWriter:
    """Writes samples into one shard after the other, and ``samples.parquet`` beside them."""

    def __init__(self, folder: Location, fields: list[pa.Field], shard_bytes: int) -> None:
        self.count = 0
        self._folder = folder
        self._shard_bytes = shard_bytes
        self._shard: _Shard | None = None
        self._split = ""
        self._files: list[ExportedFile] = []
        self._facts: list[ShardFacts] = []
        self._schema = pa.schema([*PLACE_FIELDS, *fields])
        self._samples = _HashedFile(folder, SAMPLES)
        self._table = pq.ParquetWriter(self._samples, self._schema, compression="zstd")

    def begin(self, split: str) -> None:
        """Write what follows into the folder ``split``."""
        self._close_shard()
        self._split = split
        (self._folder / split).mkdir()

    def add(self, sample: ExportedSample) -> None:
        """Append a sample, in a new shard where it has no room in this one."""
        members = sample.members()
        if self._shard and self._shard.size + len(members) + len(END_OF_TAR) > self._shard_bytes:
            self._close_shard()
        if self._shard is None:
            self._shard = _Shard(self._folder, self._split, self.count)
            self.count += 1
        self._shard.add(sample, members)

    def close(self) -> tuple[ExportedFile, ...]:
        """Finish what is open and return the files written."""
        self._close_shard()
        self._table.add_key_value_metadata({SHARDS_KEY: facts_json(self._facts)})
        self._table.close()
        return (*self._files, self._samples.close())

    def _close_shard(self) -> None:
        """Finish the open shard; it becomes one row group of the table."""
        if self._shard is not None:
            files = self._shard.close()
            rows, (tar, _) = len(self._shard.rows), files
            self._files += files
            self._facts.append(ShardFacts(tar.path, self._split, rows, tar.size, tar.sha256))
            self._table.write_table(pa.Table.from_pylist(self._shard.rows, self._schema))
            self._shard = None


class _Shard:
    """A tar and its cuts, being written; ``rows`` are its samples' rows of the table."""

    def __init__(self, folder: Location, split: str, number: int) -> None:
        self.rows: list[dict[str, Any]] = []
        self.size = 0
        self._split = split
        self._name = f"{split}/{shard_name(number)}"
        self._tar = _HashedFile(folder, self._name)
        self._cuts = _HashedFile(folder, f"{split}/{cuts_name(number)}")
        # Without a name and a time in its header, the same cuts give the same file.
        self._zip = gzip.GzipFile("", "wb", 6, self._cuts, mtime=0)

    def add(self, sample: ExportedSample, members: bytes) -> None:
        place = {
            "split": self._split, "shard": self._name, "offset": self.size, "size": len(members),
        }  # fmt: skip
        self.rows.append(place | sample.record)
        self._tar.write(members)
        self._zip.write(sample.cut())
        self.size += len(members)

    def close(self) -> list[ExportedFile]:
        self._tar.write(END_OF_TAR)
        self._zip.close()
        return [self._tar.close(), self._cuts.close()]


class _HashedFile:
    """A file whose digest is taken as it is written."""

    def __init__(self, folder: Location, path: str) -> None:
        self._path = path
        self._file: BinaryIO = (folder / path).open("wb")
        self._digest = hashlib.sha256()
        self._size = 0

    @property
    def closed(self) -> bool:
        return self._file.closed

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        self._size += len(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> ExportedFile:
        self._file.close()
        return ExportedFile(self._path, self._size, self._digest.hexdigest())
