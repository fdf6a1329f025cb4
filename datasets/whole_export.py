"""An export that is there whole or not at all, wherever it goes.

On a disk it is written beside its place and renamed into it. Stores rename nothing: there it is
written in its place, under a lock that its readers see, so that until the lock is gone there is no
export. What is overwritten in a store is removed before, and is gone where the new one fails.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from lauter.datasets.corpus_lock import single_writer
from lauter.datasets.errors import LauterError, UsageError
from lauter.datasets.exported import CARDS, MARKS
from lauter.datasets.location import Location
from lauter.datasets.store_errors import trouble
from lauter.datasets.store_lock import LOCK, locks_in
from lauter.datasets.store_path import StorePath
from lauter.datasets.whole_folder import check_replaceable, written_whole


@contextmanager
def whole_export(folder: Location, *, overwrite: bool = False) -> Iterator[Callable[[], Location]]:
    """Make the export ``folder``, which is there when all went well.

    Gives a function to be called when writing begins, which returns the folder to write into.
    ``overwrite`` replaces an export, never somebody's other work. Raises ``UsageError`` where
    ``folder`` may not be replaced or cannot be written.
    """
    if not isinstance(folder, StorePath):
        with written_whole(folder, overwrite=overwrite, marks=MARKS, others=CARDS) as hidden:
            yield lambda: hidden
        return
    found, locks = _content(folder), [lock.name for lock in locks_in(folder).values()]
    if found or folder.is_file():
        # What a killed export left, which shows by its lock, is no work of anybody's.
        check_replaceable(folder, overwrite or bool(locks), (*MARKS, *locks), CARDS, "export")
    with single_writer(folder, kind="export") as check_lock:
        if _content(folder) != found:
            raise UsageError(f"{folder} was written by somebody else meanwhile; look what it is")
        begun = False

        def begin() -> StorePath:
            nonlocal begun
            begun = True
            _clear(folder)
            return folder

        try:
            yield begin
        except BaseException as error:
            with suppress(LauterError):
                check_lock()  # else another's work would be removed
                if begun:
                    _clear(folder)
            if isinstance(error, OSError) and (told := trouble(error, folder)):
                raise UsageError(told) from error
            raise
        check_lock()


def _content(folder: StorePath) -> list[StorePath]:
    """Return what lies in a folder, but for locks."""
    return [found for found in folder.glob("*") if not found.name.startswith(f"{LOCK}.")]


def _clear(folder: StorePath) -> None:
    for found in _content(folder):
        if found.is_dir():
            found.remove_tree()
        else:
            found.unlink()
