"""A scratch folder on any store, through which workers and the driver hand each other batches.

A file is written under another name and moved, so that under its own name it is there whole or
not at all: a rename on file systems, a copy within the store on S3 and its like.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import fsspec
import pyarrow as pa

from lauter.datasets.errors import UsageError

_PART = ".part"


@dataclass(frozen=True)
class Scratch:
    """A folder by its place: a path, or the URL of one on a store that fsspec knows."""

    url: str

    def write(self, name: str, content: bytes) -> None:
        """Keep ``content`` under ``name``, replacing what is there."""
        store, folder = self._open()
        hidden = f"{folder}/{uuid.uuid4().hex}{_PART}"
        store.pipe_file(hidden, content)
        store.mv(hidden, f"{folder}/{name}")

    def read(self, name: str) -> bytes:
        """Return what is kept under ``name``; raises ``UsageError`` where that is not there."""
        store, folder = self._open()
        try:
            content: bytes = store.cat_file(f"{folder}/{name}")
        except FileNotFoundError as error:
            raise UsageError(
                f"{self.url} has no {name} for a worker that looked for it; set "
                "engine.scratch_folder to a folder that this machine and all workers reach"
            ) from error
        return content

    def remove(self, name: str) -> None:
        """Forget what is kept under ``name``."""
        store, folder = self._open()
        store.rm_file(f"{folder}/{name}")

    def names(self) -> list[str]:
        """Return the names under which something is kept, sorted."""
        store, folder = self._open()
        store.invalidate_cache()
        try:
            found = store.ls(folder, detail=False)
        except FileNotFoundError:
            return []
        names = [str(path).rstrip("/").rsplit("/", 1)[-1] for path in found]
        return sorted(name for name in names if not name.endswith(_PART))

    def create(self) -> None:
        """Make the folder, where the store knows folders; raises ``UsageError`` if it cannot."""
        try:
            store, folder = self._open()
            store.makedirs(folder, exist_ok=True)
        except Exception as error:
            raise UsageError(
                f"nothing can be written to {self.url} ({type(error).__name__}: {error}); set "
                "engine.scratch_folder to a folder that this machine and all workers may write to"
            ) from error

    def delete(self) -> None:
        """Remove the folder and all that is in it."""
        store, folder = self._open()
        store.invalidate_cache()
        if store.exists(folder):
            store.rm(folder, recursive=True)

    def _open(self) -> tuple[Any, str]:
        """Return the store and the folder's path on it; fsspec keeps one connection a process."""
        store, folder = fsspec.core.url_to_fs(self.url)
        return store, str(folder).rstrip("/")


def to_bytes(*batches: pa.RecordBatch) -> bytes:
    """Return batches of one schema as an Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    encoded: bytes = sink.getvalue().to_pybytes()
    return encoded


def batches_of(encoded: bytes) -> Iterator[pa.RecordBatch]:
    """Yield the batches of an Arrow IPC stream."""
    yield from pa.ipc.open_stream(encoded)
