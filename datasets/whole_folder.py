"""A folder that is there whole or not at all.

It is written under a hidden name beside its place and renamed into it; whatever goes wrong before
that leaves what was there as it was.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lauter.datasets.errors import UsageError


@contextmanager
def written_whole(folder: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give a new folder to write into, which becomes ``folder`` when all went well.

    Raises ``UsageError`` where ``folder`` is there already, unless it may be overwritten, and
    where the disk is full.
    """
    if os.path.lexists(folder) and not overwrite:
        raise UsageError(
            f"{folder} is there already; name another folder or set export.overwrite=true"
        )
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; name a folder")
    unfinished = folder.with_name(f".{folder.name}.{os.getpid()}.unfinished")
    replaced = folder.with_name(f".{folder.name}.{os.getpid()}.replaced")
    try:
        unfinished.mkdir(parents=True)
        yield unfinished
        if folder.exists():
            folder.rename(replaced)
        unfinished.rename(folder)
    except OSError as error:
        if error.errno == errno.ENOSPC or "No space left" in str(error):
            raise UsageError(
                f"the disk of {folder} is full; nothing of the export was kept: "
                "make room or name a folder on another disk"
            ) from error
        if isinstance(error, PermissionError):
            raise UsageError(
                f"{folder} cannot be written: permission denied; name another folder"
            ) from error
        raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.rmtree(replaced, ignore_errors=True)
