"""What stands before the routes: keys, and a bound on the size of a body."""

import asyncio
import hmac
from collections.abc import Sequence
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lauter.orchestration.serve.complaints import answer_error

_BODY_S: Final = 30.0
OPEN_PATHS: Final = ("/health", "/metrics", "/version")


class KeyGuard:
    """Lets through who shows one of ``keys`` as a bearer; without keys, everybody."""

    def __init__(self, app: ASGIApp, keys: Sequence[str]) -> None:
        self._app = app
        self._keys = [key.encode() for key in keys]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 401."""
        if scope["type"] != "http" or not self._keys or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        scheme, _, key = Headers(scope=scope).get("authorization", "").partition(" ")
        given = key.encode("latin-1", "replace") if scheme.lower() == "bearer" else b""
        if any(hmac.compare_digest(given, key) for key in self._keys):
            await self._app(scope, receive, send)
            return
        refused = answer_error(
            "this server wants a key; send it as the header 'Authorization: Bearer KEY'", 401
        )
        await refused(scope, receive, send)


class BodyGuard:
    """Refuses bodies of more than ``most`` bytes, also those that do not say how long they are.

    A body is read whole before a route sees it.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its body, or answer 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "0")
        body: bytearray | None = None
        if length.isdecimal() and int(length) <= self._most:
            try:
                async with asyncio.timeout(_BODY_S):
                    body = await self._read(receive)
            except TimeoutError:
                slow = answer_error(f"the body did not come within {_BODY_S:g} s", 408)
                await slow(scope, receive, send)
                return
        if body is None:
            refused = answer_error(
                f"the body is larger than the {self._most} bytes that this server reads; "
                "send less at once",
                413,
            )
            await refused(scope, receive, send)
            return
        whole: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

        async def replayed() -> Message:
            return whole.pop() if whole else await receive()

        await self._app(scope, replayed, send)

    async def _read(self, receive: Receive) -> bytearray | None:
        """Return a whole body, None for one that is too large; half of one, where it breaks off."""
        body, more = bytearray(), True
        while more:
            message = await receive()
            body += message.get("body", b"")
            if len(body) > self._most:
                return None
            more = message.get("more_body", False)
        return body
