"""A folder that is there whole or not at all.

It is written under a hidden name beside its place and renamed into it; whatever goes wrong before
that leaves what was there as it was. A process that is killed leaves the hidden folder behind,
which may be deleted.
"""

import errno
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from lauter.datasets.errors import UsageError


@contextmanager
def written_whole(
    folder: Path, *, overwrite: bool = False, marks: Collection[str] = ()
) -> Iterator[Path]:
    """Give a new folder to write into, which becomes ``folder`` when all went well.

    ``overwrite`` replaces a folder in which one of the files ``marks`` stands, or nothing; never
    somebody's other work. Raises ``UsageError`` where ``folder`` may not be replaced, where it
    cannot be written, and where the disk is full.
    """
    place = folder.resolve()
    _check_replaceable(place, overwrite, marks)
    unfinished = place.with_name(f".{place.name}.{os.getpid()}.unfinished")
    try:
        unfinished.mkdir(parents=True)
        yield unfinished
        _put(unfinished, place)
    except OSError as error:
        if error.errno == errno.ENOSPC or "No space left" in str(error):
            raise UsageError(
                f"the disk of {folder} is full; nothing of the export was kept: "
                "make room or name a folder on another disk"
            ) from error
        if isinstance(error, PermissionError | FileExistsError | NotADirectoryError):
            raise UsageError(
                f"{folder} cannot be written: {error.strerror}; name another folder"
            ) from error
        raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _check_replaceable(folder: Path, overwrite: bool, marks: Collection[str]) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UsageError(f"{folder} is a file; name a folder")
    if not overwrite:
        raise UsageError(
            f"{folder} is there already; name another folder or set export.overwrite=true"
        )
    inside = {path.name for path in folder.iterdir()}
    if inside and inside.isdisjoint(marks):
        raise UsageError(
            f"{folder} holds something else than an export ({min(inside)}) and is not overwritten; "
            "name another folder"
        )


def _put(unfinished: Path, place: Path) -> None:
    """Rename a folder into its place; what was there returns where that fails."""
    if not place.exists():
        unfinished.rename(place)
        return
    replaced = unfinished.with_suffix(".replaced")
    place.rename(replaced)
    try:
        unfinished.rename(place)
    except OSError:
        replaced.rename(place)
        raise
    shutil.rmtree(replaced, ignore_errors=True)
