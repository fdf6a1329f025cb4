"""One writer at a time in a store: a lock that its holder keeps alive.

Stores know no lock that dies with its process. This one is an object, ``writer.lock.00000001``,
that is created if absent, which stores decide atomically (S3 by ``If-None-Match: *``). It says who
holds it and when he was last alive, which he writes anew every ``RENEWED_EVERY_S`` from a thread
of his own. A lock that was not renewed for ``STALE_AFTER_S`` is taken over by creating the next
number, again if absent; the highest number is the lock. Who leaves removes his own.

What that promises: of any number of processes that try at once, one writes; a killed writer keeps
others out for ``STALE_AFTER_S`` at most; a writer that was frozen or cut off for as long stops
before its next commit, because it asks before each one.

What it does not promise: a writer that is frozen within a commit, and wakes when another has taken
over, still finishes that commit. Lance keeps both commits whole, so nothing is damaged, but
requests that both spoke then stand there twice. And clocks must agree to within
``STALE_AFTER_S - RENEWED_EVERY_S``, as "last alive" is a time on its holder's clock.
"""

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Final
from uuid import uuid4

from lauter.datasets.errors import LauterError, UsageError
from lauter.datasets.store_path import StorePath

LOCK: Final = "writer.lock"
RENEWED_EVERY_S: float = 20.0
STALE_AFTER_S: float = 120.0

_TRIES = 3


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock: ``alive`` (seconds since 1970) is when that was last written."""

    token: str = field(default_factory=lambda: uuid4().hex)
    pid: int = field(default_factory=os.getpid)
    host: str = field(default_factory=socket.gethostname)
    since: float = field(default_factory=lambda: time.time())
    alive: float = field(default_factory=lambda: time.time())

    @property
    def stale_in_s(self) -> float:
        """Seconds until it may be taken over; none or less where it may be."""
        return self.alive + STALE_AFTER_S - time.time()

    def __str__(self) -> str:
        since = datetime.fromtimestamp(self.since, UTC).isoformat(timespec="seconds")
        return f"process {self.pid} on {self.host} since {since}"


@contextmanager
def held_in_store(folder: StorePath, kind: str) -> Iterator[Callable[[], None]]:
    """Hold the lock of ``folder``; gives a function that raises where it was lost meanwhile.

    Raises ``UsageError`` that names whoever holds it; ``kind`` is what messages call the folder.
    """
    lease = _taken(folder, kind)
    renewing = Thread(target=lease.keep_alive, name=f"lock of {folder}", daemon=True)
    renewing.start()
    try:
        yield lease.check
    finally:
        lease.ended.set()
        renewing.join()
        lease.release()


def locks_in(folder: StorePath) -> dict[int, StorePath]:
    """Return the locks of a folder by their numbers; none where nobody writes or died writing."""
    found = {lock.name.rpartition(".")[2]: lock for lock in folder.glob(f"{LOCK}.*")}
    return {int(number): lock for number, lock in found.items() if number.isdecimal()}


def _taken(folder: StorePath, kind: str) -> "_Lease":
    holder: Holder | None = None
    for _ in range(_TRIES):
        standing = locks_in(folder)
        newest = max(standing, default=0)
        if newest:
            try:
                holder = _read(standing[newest])
            except FileNotFoundError:
                continue  # it was left this moment
            if holder.stale_in_s > 0:
                break
        me, place = Holder(), folder / f"{LOCK}.{newest + 1:08d}"
        # A driver that heard no answer asks again, and then finds what it wrote itself.
        if not place.create(_written(me)) and not _is_ours(place, me):
            continue
        if max(locks_in(folder), default=0) != newest + 1:
            place.unlink(missing_ok=True)
            continue
        for left_behind in standing.values():
            left_behind.unlink(missing_ok=True)
        return _Lease(folder, kind, place, newest + 1, me)
    killed = f" (in {holder.stale_in_s:.0f} s if it was killed)" if holder else ""
    raise UsageError(
        f"the {kind} {folder} is being written by {holder or 'another process'}; "
        f"wait until it ends{killed}, stop it, or write to another {kind}"
    )


class _Lease:
    """A lock that is held."""

    def __init__(
        self, folder: StorePath, kind: str, place: StorePath, number: int, holder: Holder
    ) -> None:
        self.ended = Event()
        self._folder = folder
        self._kind = kind
        self._place = place
        self._number = number
        self._holder = holder
        self._lost = False

    def check(self) -> None:
        """Raise ``LauterError`` where another process may have taken over."""
        if self._lost or self._holder.stale_in_s <= 0:
            self._lost = True
            raise LauterError(
                f"this process has not been able to renew its lock of the {self._kind} "
                f"{self._folder}, so another may be writing; what was committed is kept: run the "
                "same command again"
            )

    def keep_alive(self) -> None:
        """Renew the lock until it has ended or is lost."""
        while not self.ended.wait(RENEWED_EVERY_S) and not self._lost:
            try:
                self._renew()
            except LauterError:
                continue  # the store may answer next time; if not, `check` says so

    def release(self) -> None:
        """Let others write."""
        if self._lost or self._holder.stale_in_s <= 0:
            return
        try:
            self._place.unlink(missing_ok=True)
        except LauterError:
            return  # it will be stale

    def _renew(self) -> None:
        if self._holder.stale_in_s <= 0:
            self._lost = True
            return
        renewed = replace(self._holder, alive=time.time())
        self._place.write_text(_written(renewed))
        if max(locks_in(self._folder), default=0) > self._number:
            self._lost = True
            self._place.unlink(missing_ok=True)
            return
        self._holder = renewed


def _written(holder: Holder) -> str:
    return json.dumps(asdict(holder)) + "\n"


def _is_ours(lock: StorePath, me: Holder) -> bool:
    try:
        return _read(lock).token == me.token
    except FileNotFoundError:
        return False


def _read(lock: StorePath) -> Holder:
    """Raises ``FileNotFoundError`` where it is gone."""
    try:
        return Holder(**json.loads(lock.read_text()))
    except (ValueError, TypeError):
        raise UsageError(
            f"{lock} is no lock that this Lauter can read; remove it if nobody is writing"
        ) from None
