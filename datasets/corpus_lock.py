"""One writer at a time: on a disk, a lock that dies with its process.

The kernel releases an ``flock`` however a process ends, so a killed run never leaves a corpus
locked. Forked children would inherit it and hold on after their parent's death; they let go of
it at once. What the file says (who, where, since when) is only for the sentence that the second
writer reads. In a store, where there is no such lock, ``store_lock.py`` has another.
"""

import fcntl
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TextIO

from lauter.datasets.corpus_layout import plainly
from lauter.datasets.errors import UsageError
from lauter.datasets.location import Location
from lauter.datasets.store_lock import LOCK, held_in_store
from lauter.datasets.store_path import StorePath

_held: set[TextIO] = set()


@contextmanager
def single_writer(folder: Location, *, kind: str = "corpus") -> Iterator[Callable[[], None]]:
    """Hold the lock of ``folder``; raises ``UsageError`` that names whoever holds it.

    ``kind`` is what messages call the folder. Gives a function to be called before each commit,
    which raises ``LauterError`` where the lock was lost: that of a disk never is.
    """
    if isinstance(folder, StorePath):
        with held_in_store(folder, kind) as check:
            yield check
        return
    with plainly(folder, "written"):
        file = (folder / LOCK).open("a+", encoding="utf-8")
    with file:
        with plainly(folder, "locked"):
            _lock(file, folder, kind)
        _held.add(file)
        try:
            yield lambda: None
        finally:
            _held.discard(file)


def _lock(file: TextIO, folder: Location, kind: str) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        raise UsageError(
            f"the {kind} {folder} is being written by {_holder(file.read())}; "
            f"wait until it ends, stop it, or write to another {kind}"
        ) from error
    file.truncate(0)
    since = datetime.now(UTC).isoformat(timespec="seconds")
    json.dump({"pid": os.getpid(), "host": socket.gethostname(), "since": since}, file)
    file.flush()


def _holder(content: str) -> str:
    try:
        holder = json.loads(content)
        return f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    except (ValueError, KeyError, TypeError):
        return "another process"


def _let_go() -> None:
    """Close a forked child's copies of the locks; its parent keeps them."""
    for file in _held:
        file.close()
    _held.clear()


os.register_at_fork(after_in_child=_let_go)
