"""A pool of HTTP servers as a completer: called from any thread, it works in one of its own."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from typing import Any, TypeVar

from lauter.datasets.errors import LauterError
from lauter.teacher.step_audio.completion import (
    Completed,
    CompletionError,
    CompletionRequest,
    Identity,
)
from lauter.teacher.step_audio.pool import Pool, Standing
from lauter.teacher.step_audio.pool_settings import PoolSettings

T = TypeVar("T")


class HttpCompleter:
    """Asks a pool of servers; open it once per worker.

    Calls from several threads share the pool and its limits. ``device_s`` of an answer counts all
    its attempts. Of a server that does not say what an answer took (``lauter serve`` does) it knows
    only the requests of this pool: where several workers ask one of these, let ``devices`` be each
    worker's share of them.
    """

    def __init__(self, settings: PoolSettings) -> None:
        """Begin to look after the servers; raises ``UsageError`` where an API key is missing."""
        self._settings = settings
        self._gate = threading.Lock()
        self._is_closed = False
        opened: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, Pool]] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(_live(settings, opened)), name="completer", daemon=True
        )
        self._thread.start()
        self._loop, self._end, self._pool = opened.result()

    @property
    def sampling(self) -> Mapping[str, Any]:
        """How servers are told to draw; what they are not told is their own affair."""
        return self._settings.sampling

    def identity(self) -> Identity:
        """Say who answers; raises ``LauterError`` where nobody does, or not all are of one kind."""
        return self._call(self._pool.identity)

    def complete(self, requests: Sequence[CompletionRequest]) -> list[Completed | CompletionError]:
        """Return, in order, what came of each request. An answer that came is never asked again."""
        return self._call(lambda: self._pool.complete(requests))

    def settled(self) -> Identity | None:
        """Say whom all answers of this pool come from, None while nobody has answered."""
        return self._call(self._pool.settled)

    def drain(self, url: str) -> None:
        """Send nothing more to a server; returns when it has finished what it has."""
        self._call(lambda: self._pool.drain(url))

    def readmit(self, url: str) -> None:
        """Send requests to a server again that was drained."""
        self._call(lambda: self._pool.readmit(url))

    def standings(self) -> tuple[Standing, ...]:
        """Return how each server is doing."""
        return self._call(self._pool.standings)

    def close(self) -> None:
        """End what is in flight and let go of all connections; a second time does nothing."""
        with self._gate:
            if self._is_closed:
                return
            self._is_closed = True
            self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def _call(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        # Under the lock, so that no call comes to the loop after its end.
        with self._gate:
            if self._is_closed:
                raise LauterError("the pool of servers is closed; open another one")
            called = asyncio.run_coroutine_threadsafe(work(), self._loop)
        try:
            return called.result()
        except CancelledError:
            raise LauterError("the pool of servers was closed before all answers came") from None
        finally:
            # Where the caller is interrupted, nobody waits for the answers any more.
            called.cancel()


async def _live(
    settings: PoolSettings,
    opened: "Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, Pool]]",
) -> None:
    try:
        pool = Pool(settings)
    except BaseException as error:
        opened.set_exception(error)
        return
    end = asyncio.Event()
    opened.set_result((asyncio.get_running_loop(), end, pool))
    await end.wait()
    calls = asyncio.all_tasks() - {asyncio.current_task()}
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    await pool.close()
