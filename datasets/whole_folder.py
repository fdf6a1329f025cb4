"""A folder that is there whole or not at all.

It is written under a hidden name beside its place and renamed into it; whatever goes wrong before
that leaves what was there as it was. A process that is killed leaves the hidden folder behind,
which may be deleted.
"""

import errno
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

from lauter.datasets.errors import UsageError
from lauter.datasets.location import Location


@contextmanager
def written_whole(
    folder: Path,
    *,
    overwrite: bool = False,
    marks: Collection[str] = (),
    others: Collection[str] = (),
    kind: str = "export",
) -> Iterator[Path]:
    """Give a new folder to write into, which becomes ``folder`` when all went well.

    ``overwrite`` replaces a folder in which one of ``marks`` stands and nothing but these,
    ``others`` (patterns such as ``*.jsonl``) and folders of tars, or nothing at all; never
    somebody's other work. ``kind`` is what messages call the folder. Raises ``UsageError`` where
    ``folder`` may not be replaced, where it cannot be written, and where the disk is full.
    """
    place = folder.resolve()
    check_replaceable(place, overwrite, marks, others, kind)
    unfinished: Path | None = None
    try:
        if not place.parent.exists():
            place.parent.mkdir(parents=True)
        made = tempfile.mkdtemp(".unfinished", f".{place.name}.", place.parent)
        unfinished = Path(made)
        unfinished.chmod(0o755)  # as mkdir makes it; mkdtemp's is for its owner alone
        yield unfinished
        _put(unfinished, place)
    except OSError as error:
        if error.errno == errno.ENOSPC or "No space left" in str(error):
            raise UsageError(
                f"the disk of {folder} is full; nothing of the {kind} was kept: "
                "make room or name a folder on another disk"
            ) from error
        if isinstance(error, PermissionError | FileExistsError | NotADirectoryError):
            raise UsageError(
                f"{folder} cannot be written: {error.strerror}; name another folder"
            ) from error
        raise
    finally:
        if unfinished is not None:
            shutil.rmtree(unfinished, ignore_errors=True)


def check_replaceable(
    folder: Location, overwrite: bool, marks: Collection[str], others: Collection[str], kind: str
) -> None:
    """Raise ``UsageError`` where ``folder`` is there and may not be replaced."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UsageError(f"{folder} is a file; name a folder")
    if not overwrite:
        raise UsageError(
            f"{folder} is there already; name another folder or set export.overwrite=true"
        )
    inside = {path.name: path for path in folder.iterdir()}
    foreign = [
        name
        for name, path in sorted(inside.items())
        if not any(fnmatchcase(name, known) for known in (*marks, *others))
        and not any(path.glob("*.tar"))
    ]
    if inside.keys().isdisjoint(marks):
        foreign = sorted(inside)
    if foreign:
        raise UsageError(
            f"{folder} holds something else than {_one(kind)} ({foreign[0]}) and is not "
            "overwritten; name another folder"
        )


def _one(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


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
