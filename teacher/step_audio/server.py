"""One server of completions, over HTTP: asked for an answer, for its health and who it is."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote

import httpx2

from lauter.datasets.errors import LauterError, UsageError
from lauter.teacher.step_audio.completion import Identity
from lauter.teacher.step_audio.pool_settings import Patience, ServerSettings
from lauter.teacher.step_audio.retries import retry_after_s
from lauter.teacher.step_audio.wire import CUT_OFF, GARBAGE, Answer, FailedAttemptError

NO_CONNECTION: Final = "no connection"
"""Nobody listens there."""
SLOW_CONNECTION: Final = "timed out: connection"
SLOW_FIRST: Final = "timed out: first id"
SILENCE: Final = "timed out: silence"
SLOW_WHOLE: Final = "timed out: whole answer"

# Once an answer is whole, its stream is read to the end so that the connection can be used again;
# for no longer than this.
_TAIL_S = 1.0
_LARGEST_CHUNK = 1 << 24
_SHOWN_OF_AN_ERROR = 300
# Servers close a connection that was idle for 5 s (uvicorn's default), and what is sent into one
# that is being closed is lost: so it is let go before.
_LIMITS = httpx2.Limits(max_connections=None, keepalive_expiry=3.0)


def open_client(patience: Patience) -> httpx2.AsyncClient:
    """Return the HTTP client that all servers of a pool are asked through."""
    timeout = httpx2.Timeout(None, connect=patience.connect_s)
    return httpx2.AsyncClient(timeout=timeout, limits=_LIMITS)


class Server:
    """One server; ``client`` is shared, and closed by whoever opened it."""

    def __init__(
        self, settings: ServerSettings, patience: Patience, client: httpx2.AsyncClient
    ) -> None:
        self.settings = settings
        self._patience = patience
        self._client = client
        self._key = settings.key()
        self._headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}

    async def complete(self, body: Mapping[str, Any], answer: Answer, attempt: str) -> None:
        """Ask, and fill ``answer`` as its ids come; it is whole when this returns.

        ``attempt`` is the name of this time of asking, for the server's log. Raises
        ``FailedAttemptError``. Whoever cancels this closes the connection, which frees the slot.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience.whole_s
        try:
            async with asyncio.timeout(self._patience.first_s) as limit:
                with _failures_of_http():
                    await self._listen(body, answer, attempt, limit, deadline)
        except TimeoutError:
            if not answer.is_whole:
                slow = SILENCE if answer.received else SLOW_FIRST
                raise FailedAttemptError(SLOW_WHOLE if loop.time() >= deadline else slow) from None
        except FailedAttemptError as failure:
            # What goes wrong behind a whole answer takes nothing from it.
            if not answer.is_whole:
                failure.detail = self._without_key(failure.detail)
                raise
        answer.result()

    async def _listen(
        self,
        body: Mapping[str, Any],
        answer: Answer,
        attempt: str,
        limit: asyncio.Timeout,
        deadline: float,
    ) -> None:
        loop = asyncio.get_running_loop()
        url = f"{self.settings.root}/v1/completions"
        headers = {**self._headers, "X-Request-Id": quote(attempt)}
        async with self._client.stream("POST", url, json=body, headers=headers) as response:
            if response.status_code != httpx2.codes.OK:
                raise await _refusal(response)
            events = httpx2.EventSource(response, max_event_size=_LARGEST_CHUNK)
            async for event in events:
                if answer.is_whole:
                    continue
                answer.take(event.data)
                patience_s = _TAIL_S if answer.is_whole else self._patience.silence_s
                limit.reschedule(min(loop.time() + patience_s, deadline))

    async def ailment(self) -> str | None:
        """Return why the server can serve nobody, None where it is well (``/health``)."""
        try:
            response = await self._get("/health")
        except FailedAttemptError as failure:
            return str(failure)
        return None if response.is_success else f"http {response.status_code}"

    async def identity(self, model: str) -> Identity:
        """Return who the server is: its model of that name (empty: its first), and its version.

        Raises ``UsageError`` where it has no such model or refuses to say, ``LauterError`` where
        it cannot be asked.
        """
        root = self.settings.root
        try:
            models = await self._get("/v1/models")
            version = await self._get("/version")
        except FailedAttemptError as failure:
            raise LauterError(f"{root} does not say who it is: {failure}; is it up?") from None
        for answer in (models, version):
            if answer.is_server_error or answer.status_code == httpx2.codes.TOO_MANY_REQUESTS:
                raise LauterError(f"{root} does not say who it is: http {answer.status_code}")
        if not models.is_success:
            raise UsageError(
                f"{root} does not say which model it serves: http {models.status_code}; it must "
                "have /v1/models, and take the key of key_variable"
            )
        try:
            served = {one["id"]: str(one.get("checkpoint") or "") for one in models.json()["data"]}
            # Not every server has the address, and those that have answer with an object.
            named = version.json()["version"] if version.is_success else ""
            found = model or next(iter(served))
        except (AttributeError, KeyError, StopIteration, TypeError, ValueError):
            raise UsageError(
                f"{root} is no server of completions: what it answers at /v1/models and /version "
                "is another format; check the address"
            ) from None
        if found not in served:
            raise UsageError(
                f"{root} serves {', '.join(sorted(served))}, not '{model}'; give its name as model"
            )
        return Identity(found, served[found], str(named))

    async def _get(self, path: str) -> httpx2.Response:
        try:
            async with asyncio.timeout(self._patience.health_s):
                with _failures_of_http():
                    return await self._client.get(self.settings.root + path, headers=self._headers)
        except TimeoutError:
            raise FailedAttemptError("timed out") from None

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text


async def _refusal(response: httpx2.Response) -> FailedAttemptError:
    """Return what an answer other than 200 means."""
    told = b""
    async for part in response.aiter_bytes():
        told += part
        if len(told) >= _SHOWN_OF_AN_ERROR:
            break
    status = response.status_code
    return FailedAttemptError(
        f"http {status}",
        told.decode("utf-8", "replace")[:_SHOWN_OF_AN_ERROR],
        retry_after_s=retry_after_s(response.headers.get("Retry-After")),
        # A request's own fault is one everywhere; a key or a path may be right elsewhere.
        is_final=status in (400, 413, 422),
    )


@contextmanager
def _failures_of_http() -> Iterator[None]:
    try:
        yield
    except httpx2.ConnectTimeout:
        raise FailedAttemptError(SLOW_CONNECTION) from None
    except httpx2.ConnectError as error:
        raise FailedAttemptError(NO_CONNECTION, str(error)) from None
    except (httpx2.SSEError, httpx2.DecodingError) as error:
        raise FailedAttemptError(GARBAGE, str(error)) from None
    except httpx2.HTTPError as error:
        raise FailedAttemptError(CUT_OFF, str(error) or type(error).__name__) from None
