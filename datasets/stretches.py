"""Reads stretches of an export's files: from a disk one by one, from a store many at once.

A stretch is read by one call of the system, or one request; nothing is read ahead, as samples are
taken in any order. A disk's files stay open, of which a process may have only so many.
"""

import os
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from lauter.datasets.location import Location
from lauter.datasets.store_path import StorePath

OPEN_FILES: Final = 64


class Stretch(NamedTuple):
    """``size`` bytes from ``offset`` on of the file at ``path`` in an export."""

    path: str
    offset: int
    size: int


class Stretches(Protocol):
    """Reads stretches of the files in one folder."""

    def read(self, wanted: Sequence[Stretch]) -> list[bytes]:
        """Return the bytes of each stretch; fewer where its file is shorter."""
        ...

    def close(self) -> None:
        """Close all files."""
        ...


def open_stretches(folder: Location) -> Stretches:
    """Return a reader of the files in ``folder``."""
    return InStore(folder) if isinstance(folder, StorePath) else OnDisk(folder)


def sizes_in(folder: Location, paths: Iterable[str]) -> dict[str, int]:
    """Return the bytes of those of ``paths`` that are there; a store is asked once for all."""
    if isinstance(folder, StorePath):
        return folder.sizes()
    found = {}
    for path in paths:
        try:
            found[path] = (folder / path).stat().st_size
        except FileNotFoundError:
            continue
    return found


class OnDisk:
    """Keeps the files read last open."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: OrderedDict[str, int] = OrderedDict()

    def read(self, wanted: Sequence[Stretch]) -> list[bytes]:
        """Return the bytes of each stretch."""
        return [os.pread(self._descriptor(path), size, offset) for path, offset, size in wanted]

    def close(self) -> None:
        """Close all files."""
        while self._open:
            os.close(self._open.popitem()[1])

    def _descriptor(self, path: str) -> int:
        if path not in self._open:
            if len(self._open) == OPEN_FILES:
                os.close(self._open.popitem(last=False)[1])
            self._open[path] = os.open(self._folder / path, os.O_RDONLY)
        return self._open[path]


class InStore:
    """Asks for all stretches of a batch at once, as each answer takes its time to come."""

    def __init__(self, folder: StorePath) -> None:
        self._folder = folder

    def read(self, wanted: Sequence[Stretch]) -> list[bytes]:
        """Return the bytes of each stretch."""
        return self._folder.read_stretches(wanted)

    def close(self) -> None:
        """Nothing stays open."""
