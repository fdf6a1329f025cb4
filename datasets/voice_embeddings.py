"""Embeddings of a book's recordings, kept beside it so that each is listened to once.

A recording is known by the digest of its bytes and an encoder by its fingerprint, so that neither a
changed recording nor another encoder is ever taken for what it was.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from lauter.datasets.records import described

Embeddings: TypeAlias = dict[tuple[str, str], NDArray[np.float32]]
"""Unit vectors by the digest of the recording and the fingerprint of the encoder."""

_SCHEMA = pa.schema(
    [
        described("recording", pa.string(), "Digest of the recording's bytes", nullable=False),
        described("encoder", pa.string(), "Fingerprint of the encoder", nullable=False),
        described("embedding", pa.list_(pa.float32()), "The voice, a unit vector", nullable=False),
    ]
)


def embeddings_beside(book: Path) -> Path:
    """Return where the embeddings of a book lie."""
    return book.with_name(f"{book.stem}.embeddings.parquet")


def read_embeddings(book: Path) -> Embeddings:
    """Return what is kept beside a book; nothing where that is missing or damaged."""
    try:
        table = pq.read_table(embeddings_beside(book), schema=_SCHEMA)
    except (OSError, pa.ArrowException):
        return {}
    return {
        (row["recording"], row["encoder"]): np.asarray(row["embedding"], np.float32)
        for row in table.to_pylist()
    }


def keep_embeddings(book: Path, embeddings: Mapping[tuple[str, str], NDArray[np.float32]]) -> None:
    """Keep embeddings beside a book, in place of earlier ones."""
    rows = [
        {"recording": recording, "encoder": encoder, "embedding": found}
        for (recording, encoder), found in sorted(embeddings.items())
    ]
    place = embeddings_beside(book)
    unfinished = place.with_name(f"{place.name}.new")
    pq.write_table(pa.Table.from_pylist(rows, schema=_SCHEMA), unfinished)
    unfinished.replace(place)
