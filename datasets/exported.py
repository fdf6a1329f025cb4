"""How an export lies on disk, and what it holds."""

import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from lauter.datasets.errors import UsageError
from lauter.datasets.location import Location
from lauter.datasets.records import described
from lauter.datasets.store_lock import LOCK
from lauter.datasets.store_path import StorePath

CARD: Final = "README.md"
CROISSANT: Final = "croissant.json"
VOICES_FILE: Final = "voices.json"
"""Whose voices are in it: who they are, and of whom they are made."""
SAMPLES: Final = "samples.parquet"
"""One row a sample: where it lies in the shards, and its record; a row group for each shard."""
SHARDS_KEY: Final = "lauter.shards"
"""Under this key of its metadata, ``samples.parquet`` lists the shards."""
SPEECH: Final = "speech.lance"

MARKS: Final = (SAMPLES, SPEECH)
"""One of them stands in every export."""
EDIT_PAIRS: Final = "edit_pairs.{split}.jsonl"
"""Where asked for: speech before and after an edit, in codes, for trainers of other people."""
CARDS: Final = (CARD, CROISSANT, VOICES_FILE, EDIT_PAIRS.format(split="*"))
"""Patterns of what else may stand there, beside folders of tars."""

PLACE_FIELDS = [
    described("split", pa.string(), "The part of the export it belongs to", nullable=False),
    described("shard", pa.string(), "Path of its tar in the export", nullable=False),
    described("offset", pa.int64(), "Where its first member begins", unit="B", nullable=False),
    described("size", pa.int64(), "What both members take up", unit="B", nullable=False),
]


def shard_name(number: int) -> str:
    """Return the name of a tar; the words before the first dot are those that Lhotse reads."""
    return f"recording.{number:06d}.tar"


def cuts_name(number: int) -> str:
    """Return the name of the cuts that belong to a tar."""
    return f"cuts.{number:06d}.jsonl.gz"


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file of an export: its place in the folder, its size and its SHA-256."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """What an export holds; ``splits`` counts samples, ``shards`` is 0 for Lance.

    ``left_out`` counts rows by speaker that would be here if that voice might be used,
    ``edit_pairs`` by split the pairs that were written.
    """

    folder: Location
    samples: int
    shards: int
    audio_bytes: int
    duration_s: float
    splits: dict[str, int] = field(default_factory=dict)
    files: tuple[ExportedFile, ...] = ()
    left_out: dict[str, int] = field(default_factory=dict)
    edit_pairs: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ShardFacts:
    """A shard: its path in the export, its split, its samples, its bytes and their SHA-256."""

    path: str
    split: str
    samples: int
    size: int
    sha256: str


def facts_json(shards: Sequence[ShardFacts]) -> str:
    """Return the list of shards as ``samples.parquet`` keeps it."""
    return json.dumps([astuple(shard) for shard in shards])


def facts_from_json(text: str | bytes) -> list[ShardFacts]:
    """Return the shards that ``facts_json`` wrote."""
    return [ShardFacts(*facts) for facts in json.loads(text)]


def open_samples(folder: Location) -> pq.ParquetFile:
    """Open the table of an export's samples; raises ``FileNotFoundError`` where there is none."""
    place = folder / SAMPLES
    return pq.ParquetFile(place.open("rb") if isinstance(place, StorePath) else place)


def check_finished(folder: Location) -> None:
    """Raise ``UsageError`` where an export is still being written, or was not written to its end.

    That is seen by its lock, and happens in stores only: on a disk it appears when it is whole.
    """
    if any(folder.glob(f"{LOCK}.*")):
        raise UsageError(
            f"the export {folder} is not finished; wait until it is, or run `lauter export` again "
            "if it was stopped"
        )
