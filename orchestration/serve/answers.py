"""From the engine's thread to an HTTP answer: ids as they are said, and an end to everything.

Whoever hangs up, waits too long or is refused leaves nothing behind: what is still spoken for it
is cancelled, and its row is free.
"""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, TypeVar

from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from lauter.orchestration.serve.complaints import (
    TooLongError,
    complaint,
    sentence_of,
    status_of,
)
from lauter.orchestration.serve.served import Served
from lauter.student.serving.batching import Said, Task

T = TypeVar("T")
_LINGERS_S: Final = 5.0


class HungUpError(Exception):
    """Nobody waits for the answer any more."""


class Asking:
    """Tasks in the engine, and what they say; made in the loop that will listen.

    Keys of tasks are made unique here and taken off again. Raises as ``Engine.submit`` does, before
    anything of an answer is sent; whoever makes one must ``close`` it.
    """

    def __init__(self, served: Served, tasks: Sequence[Task]) -> None:
        loop = asyncio.get_running_loop()
        heard: asyncio.Queue[Said | Exception] = asyncio.Queue()
        mark = uuid.uuid4().hex

        def on_said(said: Said | Exception) -> None:
            # The loop ends before the engine where a server is killed.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(heard.put_nowait, said)

        marked = [replace(task, key=f"{mark}/{task.key}") for task in tasks]
        served.engine.submit(marked, on_said)
        self._engine = served.engine
        self._seconds = served.limits.seconds
        self._until = loop.time() + served.limits.seconds
        self._heard = heard
        self._keys = [task.key for task in marked]
        self._mark = len(mark) + 1

    async def pieces(self, pause_s: float = 0.0) -> AsyncIterator[list[Said]]:
        """Yield what is said, some ids at a time, until all tasks have finished.

        ``pause_s`` is waited between two pieces. Raises ``TooLongError`` when it is time.
        """
        left = len(self._keys)
        while left:
            try:
                async with asyncio.timeout_at(self._until):
                    together = [await self._heard.get()]
            except TimeoutError:
                raise TooLongError(
                    f"the answer was not whole within {self._seconds:g} s; ask for less at once"
                ) from None
            while not self._heard.empty():
                together.append(self._heard.get_nowait())
            piece = []
            for one in together:
                if isinstance(one, Exception):
                    raise one
                left -= one.finish is not None
                piece.append(replace(one, key=one.key[self._mark :]))
            yield piece
            if left and pause_s:
                await asyncio.sleep(pause_s)

    @property
    def until(self) -> float:
        """When the answer ought to be whole, by the loop's clock."""
        return self._until

    def close(self) -> None:
        """Cancel what is still spoken."""
        self._engine.cancel(self._keys)


class Events(StreamingResponse):
    """Server-sent events of tasks, which end with it however it ends.

    Whoever does not read what is sent is hung up on some time after the answer ought to be whole.
    """

    def __init__(self, asking: Asking, events: AsyncIterator[bytes]) -> None:
        super().__init__(events, media_type="text/event-stream")
        self._asking = asking

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events."""
        try:
            async with asyncio.timeout_at(self._asking.until + _LINGERS_S):
                await super().__call__(scope, receive, send)
        finally:
            self._asking.close()


def event(content: dict[str, Any]) -> bytes:
    """Return one server-sent event."""
    return f"data: {json.dumps(content)}\n\n".encode()


async def told_errors(events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield events, and as the last one what goes wrong in their middle."""
    try:
        async for one in events:
            yield one
    except Exception as error:
        yield event(complaint(sentence_of(error), status_of(error)))


async def in_time(served: Served, request: Request, work: Awaitable[T]) -> T:
    """Return what ``work`` gives, as long as somebody waits for it, and not for ever.

    Raises ``TooLongError``, or ``HungUpError`` where the client went away.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_hung_up(request))
    try:
        done, _ = await asyncio.wait(
            {working, leaving},
            timeout=served.limits.seconds,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if working in done:
            return working.result()
        if leaving in done:
            raise HungUpError
        raise TooLongError(
            f"the answer was not whole within {served.limits.seconds:g} s; ask for less at once"
        )
    finally:
        for one in (working, leaving):
            one.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        continue
