"""One writer at a time: a lock that dies with its process.

The kernel releases an ``flock`` however a process ends, so a killed run never leaves a corpus
locked. What the file says (who, where, since when) is only for the sentence that the second
writer reads.
"""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from lauter.datasets.errors import UsageError


@contextmanager
def single_writer(folder: Path) -> Iterator[None]:
    """Hold the lock of ``folder``; raises ``UsageError`` that names whoever holds it."""
    with (folder / "writer.lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise UsageError(
                f"the corpus {folder} is being written by {_holder(file.read())}; "
                "wait until it ends, stop it, or write to another corpus"
            ) from error
        file.truncate(0)
        json.dump(
            {
                "pid": os.getpid(),
                "host": socket.gethostname(),
                "since": datetime.now(UTC).isoformat(timespec="seconds"),
            },
            file,
        )
        file.flush()
        yield


def _holder(content: str) -> str:
    try:
        holder = json.loads(content)
        return f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    except (ValueError, KeyError, TypeError):
        return "another process"
