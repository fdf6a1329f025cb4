"""A thread that keeps a batch running, and takes tasks from others.

One thread owns the model. Whoever asks hands in a task with a function that is told, in that
thread, what the task's row says; it must be quick. A queue of bounded length stands before the
batch: what finds no place in it is refused at once, so that whoever asks can go elsewhere.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lauter.datasets.errors import LauterError, UsageError
from lauter.student.serving.batching import Batching, Said, Task

OnSaid = Callable[[Said | Exception], None]
"""Told each id of a row, or once why there will be no more."""


class BusyError(LauterError):
    """The queue is full."""


class EndedError(LauterError):
    """The engine takes nothing more: it was told to end, or its thread fell over."""


@dataclass(frozen=True, slots=True)
class Load:
    """What an engine is doing: rows spoken, tasks waiting, memory held, and counts since its start.

    ``tokens`` are ids said, ``steps`` runs of the model after which they were.
    """

    live: int
    waiting: int
    cache_bytes: int
    tokens: int
    steps: int
    finished: int
    cancelled: int


class Engine:
    """Runs a batch in a thread of its own, which ends with ``close``."""

    def __init__(
        self,
        batching: Batching,
        *,
        most_waiting: int = 64,
    ) -> None:
        self._batching = batching
        self._most_waiting = most_waiting
        self._lock = threading.Condition()
        self._coming: deque[Task] = deque()
        self._cancelled: set[str] = set()
        self._listeners: dict[str, OnSaid] = {}
        self._counts = {"tokens": 0, "steps": 0, "finished": 0, "cancelled": 0}
        self.on_broken: Callable[[], None] = lambda: None
        """Called once, in that thread, where it falls over."""
        self._is_ending = False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    @property
    def accepts(self) -> bool:
        """Whether tasks are taken: it is neither ending nor broken."""
        return not self._is_ending and self._thread.is_alive()

    def load(self) -> Load:
        """Say what is being done."""
        with self._lock:
            waiting = self._batching.waiting + len(self._coming)
            return Load(self._batching.live, waiting, self._batching.cache_bytes, **self._counts)

    def submit(self, tasks: Sequence[Task], on_said: OnSaid) -> None:
        """Take all of these tasks, or none.

        Raises ``UsageError`` for one that the model cannot take, and for more than there can ever
        be room for; ``BusyError`` where there is no room now, ``EndedError`` where nothing is taken
        any more.
        """
        for task in tasks:
            self._batching.check(task)
        room = self._batching.rows + self._most_waiting
        if len(tasks) > room:
            raise UsageError(
                f"{len(tasks)} answers are asked for at once, and there is room for {room}; "
                "send several requests"
            )
        with self._lock:
            if not self.accepts:
                raise EndedError("the server takes no more; ask another one")
            there = self._batching.live + self._batching.waiting + len(self._coming)
            if there + len(tasks) > room:
                raise BusyError(
                    f"{there} requests are spoken or wait already, and {room} may; ask again later"
                )
            for task in tasks:
                self._listeners[task.key] = on_said
            self._coming.extend(tasks)
            self._lock.notify()

    def cancel(self, keys: Sequence[str]) -> None:
        """Forget tasks that nobody waits for any more; those that are done already are none."""
        with self._lock:
            for key in keys:
                if self._listeners.pop(key, None) is not None:
                    self._cancelled.add(key)
                    self._counts["cancelled"] += 1
            self._lock.notify()

    def close(self) -> None:
        """End the thread; what is not finished is told so."""
        with self._lock:
            self._is_ending = True
            self._lock.notify()
        self._thread.join()
        self._tell_all(EndedError("the server has ended; ask another one"))

    def _run(self) -> None:
        try:
            while self._take_in():
                said = self._batching.step()
                self._tell(said)
        except Exception as error:  # without its thread an engine answers nobody
            self._tell_all(error)
            self.on_broken()
            raise

    def _take_in(self) -> bool:
        """Wait until there is something to do, and take it in; False when it is time to end."""
        with self._lock:
            batching = self._batching
            self._lock.wait_for(
                lambda: (
                    self._is_ending
                    or self._coming
                    or self._cancelled
                    or batching.live
                    or batching.waiting
                )
            )
            while self._coming:
                batching.add(self._coming.popleft())
            for key in self._cancelled:
                batching.cancel(key)
            self._cancelled.clear()
            return not self._is_ending

    def _tell(self, said: Sequence[Said]) -> None:
        told: list[tuple[OnSaid, Said]] = []
        with self._lock:
            self._counts["tokens"] += len(said)
            self._counts["steps"] += bool(said)
            for one in said:
                listener = self._listeners.get(one.key)
                if listener is not None:
                    told.append((listener, one))
                    if one.finish:
                        del self._listeners[one.key]
                        self._counts["finished"] += 1
        for listener, one in told:
            listener(one)

    def _tell_all(self, error: Exception) -> None:
        """Tell all who listen that there will be no more, and take nothing from now on."""
        with self._lock:
            self._is_ending = True
            listeners, self._listeners = set(self._listeners.values()), {}
        for listener in listeners:
            listener(error)
