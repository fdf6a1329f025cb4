"""Faults of servers, one kind at a time, put around any application that streams completions.

A fault is a function with an ASGI application's arguments and the application before them. Health
and models are always answered as they are.
"""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Fault = Callable[[ASGIApp, Scope, Receive, Send], Awaitable[None]]


class Faulty:
    """An application with a fault in a share of its completions, drawn by a seed, or in a few."""

    def __init__(
        self, app: ASGIApp, fault: Fault, *, share: float = 1.0, at_most: int | None = None
    ) -> None:
        self._app = app
        self._fault = fault
        self._share = share
        self._at_most = at_most
        self._lots = random.Random(1)
        self.struck = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_completion = scope["type"] == "http" and scope["path"] == "/v1/completions"
        may_strike = self._at_most is None or self.struck < self._at_most
        if is_completion and may_strike and self._lots.random() < self._share:
            self.struck += 1
            await self._fault(self._app, scope, receive, send)
        else:
            await self._app(scope, receive, send)


def hang() -> Fault:
    """It takes the request and says nothing, until the caller goes."""

    async def fault(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    return fault


def hang_after(chunks: int) -> Fault:
    """It falls silent in the middle."""

    async def silence(message: Message, send: Send, number: int) -> None:
        if number >= chunks:
            await asyncio.sleep(3600)
        await send(message)

    return _at_each_chunk(silence)


def cut_after(chunks: int) -> Fault:
    """The connection breaks in the middle."""

    async def cut(message: Message, send: Send, number: int) -> None:
        if number >= chunks:
            raise ConnectionAbortedError
        await send(message)

    return _at_each_chunk(cut)


def cut_behind_the_answer() -> Fault:
    """The connection breaks when all is said, before the stream's own end."""

    async def cut(message: Message, send: Send, number: int) -> None:
        if message["body"].startswith(b"data: [DONE]"):
            raise ConnectionAbortedError
        await send(message)

    return _at_each_chunk(cut)


def end_after(chunks: int) -> Fault:
    """The stream ends in the middle as if all were said."""

    async def end(message: Message, send: Send, number: int) -> None:
        if number < chunks:
            await send(message)
        elif number == chunks:
            await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})

    return _at_each_chunk(end)


def slow_down(seconds: float) -> Fault:
    """It pauses before each chunk."""

    async def pause(message: Message, send: Send, number: int) -> None:
        await asyncio.sleep(seconds)
        await send(message)

    return _at_each_chunk(pause)


def repeat_ids() -> Fault:
    """It says the first id over and over, and never ends."""

    def repeated(choice: dict[str, Any], body: dict[str, Any]) -> None:
        first = body.setdefault("first", choice["token_ids"][0])
        choice["token_ids"] = [first] * len(choice["token_ids"])
        choice["finish_reason"] = choice["finish_reason"] and "length"

    return _in_each_choice(repeated)


def leave_the_range() -> Fault:
    """Its ids are beyond the vocabulary."""

    def beyond(choice: dict[str, Any], body: dict[str, Any]) -> None:
        choice["token_ids"] = [id_ + 1_000_000 for id_ in choice["token_ids"]]

    return _in_each_choice(beyond)


def go_on_for_ever() -> Fault:
    """It heeds no ``max_tokens``."""
    chunk = {"choices": [{"index": 0, "text": "", "token_ids": [70_000] * 50}]}

    async def fault(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await _begin(send)
        while True:
            await send(_body(b"data: " + json.dumps(chunk).encode() + b"\n\n", more=True))
            await asyncio.sleep(0.001)

    return fault


def answer(body: bytes, content_type: str = "text/event-stream") -> Fault:
    """It answers something of its own."""

    async def fault(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await _begin(send, headers=[(b"content-type", content_type.encode())])
        await send(_body(body))

    return fault


def refuse(status: int, retry_after: str | None = None) -> Fault:
    """It refuses, and may say when to come again."""
    headers = [(b"retry-after", retry_after.encode())] if retry_after is not None else []

    async def fault(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await _begin(send, status, headers)
        await send(_body(b"not now"))

    return fault


def _at_each_chunk(act: Callable[[Message, Send, int], Awaitable[None]]) -> Fault:
    async def fault(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        number = 0

        async def sending(message: Message) -> None:
            nonlocal number
            if message["type"] == "http.response.body":
                await act(message, send, number)
                number += 1
            else:
                await send(message)

        await app(scope, receive, sending)

    return fault


def _in_each_choice(change: Callable[[dict[str, Any], dict[str, Any]], None]) -> Fault:
    async def fault(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        memory: dict[str, Any] = {}

        async def sending(message: Message) -> None:
            data = message.get("body", b"").removeprefix(b"data: ").strip()
            if data.startswith(b"{"):
                chunk = json.loads(data)
                for choice in chunk["choices"]:
                    change(choice, memory)
                message = {**message, "body": b"data: " + json.dumps(chunk).encode() + b"\n\n"}
            await send(message)

        await app(scope, receive, sending)

    return fault


async def _begin(
    send: Send, status: int = 200, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    if headers is None:
        headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": status, "headers": headers})


def _body(data: bytes, *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}
