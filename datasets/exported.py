"""How an export lies on disk, and what it holds."""

import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Final

import pyarrow as pa

from lauter.datasets.records import described

CARD: Final = "README.md"
CROISSANT: Final = "croissant.json"
SAMPLES: Final = "samples.parquet"
"""One row a sample: where it lies in the shards, and its record; a row group for each shard."""
SHARDS_KEY: Final = "lauter.shards"
"""Under this key of its metadata, ``samples.parquet`` lists the shards."""
SPEECH: Final = "speech.lance"

MARKS: Final = (SAMPLES, SPEECH)
"""One of them stands in every export."""
CARDS: Final = (CARD, CROISSANT)

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
    """What an export holds; ``splits`` counts samples, ``shards`` is 0 for Lance."""

    folder: Path
    samples: int
    shards: int
    audio_bytes: int
    duration_s: float
    splits: dict[str, int] = field(default_factory=dict)
    files: tuple[ExportedFile, ...] = ()


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
