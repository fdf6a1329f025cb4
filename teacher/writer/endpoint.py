"""A writer behind any server with OpenAI's chat endpoint.

It asks in the words of our templates and wants JSON of one schema; a server that does not know
``response_format`` is asked without, and is not asked with it again. Every answer is in the cache
before anything is made of it; what is no chat completion (a proxy's page) is a server that fails,
whatever its status says. Asks of one call go out several at once and come back in order.
"""

import contextlib
import math
import random
import threading
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpx2

from lauter.datasets.errors import LauterError, UsageError
from lauter.datasets.tags import Dialect
from lauter.teacher.step_audio.pool_settings import ServerSettings
from lauter.teacher.step_audio.retries import Retries, retry_after_s
from lauter.teacher.writer.answer import RESPONSE_FORMAT, parse_answer, without_halves
from lauter.teacher.writer.cache import AnswerCache, Kept, ask_key
from lauter.teacher.writer.faults import Fault, FaultKind
from lauter.teacher.writer.protocol import Conditions, Draft, Reply
from lauter.teacher.writer.task import Ask, Kind, Wanted
from lauter.teacher.writer.template import open_template

_WITHOUT_SCHEMA: Final = (400, 404, 415, 422, 501)
"""With these a server answers that does not know ``response_format``."""
_FOREVER: Final = (401, 403)
_LONGEST_WAIT_S: Final = 600.0
_SHOWN: Final = 200


class _AskRefusedError(Exception):
    """The server will not take this ask; others it may."""


class EndpointWriter:
    """Asks ``model`` at ``url``; open it for one run and close it.

    ``key_variable`` names the environment variable with the API key. ``licence`` is what its texts
    are under, which nobody but the caller can know. A task is asked for ``attempts`` times at most,
    and an ask is sent ``retries`` times while the server is busy or fails. Raises ``UsageError``
    where a setting makes no sense.
    """

    def __init__(
        self,
        conditions: Conditions,
        *,
        url: str,
        model: str,
        key_variable: str = "",
        licence: str = "NOASSERTION",
        temperature: float = 1.0,
        max_tokens: int = 4096,
        concurrency: int = 4,
        timeout_s: float = 120.0,
        attempts: int = 3,
        retries: int = 5,
        base_s: float = 0.5,
        longest_s: float = 30.0,
    ) -> None:
        if not url or not model:
            raise UsageError(
                "writer=endpoint asks a server; name it and its model: "
                "writer.url=http://host:8000/v1 writer.model=NAME"
            )
        counts = {
            "max_tokens": max_tokens,
            "concurrency": concurrency,
            "attempts": attempts,
            "retries": retries,
        }
        for name, count in counts.items():
            if type(count) is not int or count < 1:
                raise UsageError(f"writer.{name} is '{count}'; set a whole number from 1")
        sizes = {
            "temperature": temperature,
            "timeout_s": timeout_s,
            "base_s": base_s,
            "longest_s": longest_s,
        }
        for name, size in sizes.items():
            if type(size) not in (int, float) or not 0 <= size < math.inf:
                raise UsageError(f"writer.{name} is '{size}'; set a number from 0")
        if timeout_s == 0:
            raise UsageError("writer.timeout_s is 0; set more seconds")
        settings = ServerSettings(url, key_variable=key_variable)
        self.name = model
        self.licence = licence
        self.attempts = attempts
        self._root = settings.root
        self._key = settings.key()
        self._sampling = {"temperature": float(temperature), "max_tokens": max_tokens}
        self._seed = conditions.seed
        self._lengths = conditions.lengths
        self._concurrency = concurrency
        self._retries = Retries(retries, base_s, longest_s)
        self._takes_schema = True
        self._cache_file = conditions.cache
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        self._client = httpx2.Client(timeout=timeout_s, headers=headers)

    def wanted(self, dialect: str) -> tuple[str, str]:
        """Return language and dialect of its texts; raises ``UsageError`` for an unknown one."""
        language = Dialect(dialect).language
        open_template(language)
        return language.value, dialect

    def identity(self) -> Mapping[str, Any]:
        """Return model, sampling and licence; where it is asked and how often is another matter."""
        return {"name": self.name, "licence": self.licence, **self._sampling}

    def template(self, wanted: Wanted) -> str:
        """Return the digest of the language's template."""
        return open_template(wanted.language).digest

    def stock(self, wanted: Wanted, kinds: Sequence[Kind]) -> None:
        """A model writes as much as it is asked for."""
        return

    def write(self, asks: Sequence[Ask]) -> Generator[Reply, None, None]:
        """Yield what comes of each ask, in their order.

        Raises ``LauterError`` where the server cannot be reached, or refuses everybody. When it
        is broken off, answers that are on their way are still waited for and kept.
        """
        with (
            contextlib.closing(AnswerCache(self._cache_file)) as cache,
            ThreadPoolExecutor(self._concurrency, "writer") as pool,
        ):
            ended = threading.Event()
            futures = [pool.submit(self._reply, ask, cache, ended) for ask in asks]
            try:
                for future in futures:
                    yield future.result()
            finally:
                ended.set()
                for future in futures:
                    future.cancel()

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()

    def _reply(self, ask: Ask, cache: AnswerCache, ended: threading.Event) -> Reply:
        body = self._body(ask)
        key = ask_key(body)
        kept = cache.get(key)
        is_cached = kept is not None
        if kept is None:
            try:
                kept = self._asked(body, ended)
            except _AskRefusedError as error:
                fault = Fault(FaultKind.SERVER, f"the server would not answer: {error}")
                return Reply(faults=(fault,), ask=body)
            cache.put(key, kept)
        drafts, faults = _judged(kept, ask)
        return Reply(
            drafts,
            faults,
            body,
            kept.content,
            paid=not is_cached,
            cached=is_cached,
            prompt_tokens=kept.prompt_tokens,
            completion_tokens=kept.completion_tokens,
        )

    def _body(self, ask: Ask) -> dict[str, Any]:
        wanted = ask.task.wanted
        messages = open_template(wanted.language).messages(ask, self._lengths[wanted.language])
        # Tasks that say the same get answers of their own by their seeds.
        drawn = self._seed * 1_000_003 + ask.task.number * 101 + ask.attempt
        return {
            **self._sampling,
            "model": self.name,
            "messages": messages,
            "seed": drawn % 2**31,
            "response_format": RESPONSE_FORMAT,
        }

    def _asked(self, body: dict[str, Any], ended: threading.Event) -> Kept:
        """Ask until an answer comes; raises ``LauterError`` where none does.

        Once ``ended`` is set nobody waits to ask again.
        """
        told = "it does not answer"
        for failures in range(1, self._retries.attempts + 1):
            wait_s = self._retries.wait_s(failures, random.random())
            try:
                response = self._post(body)
            except httpx2.TransportError as error:
                told = f"{type(error).__name__}: {error}".rstrip(": ")
            else:
                kept = _kept(response) if response.is_success else None
                if kept is not None:
                    return kept
                fault = ", but no chat completion" if response.is_success else ""
                told = f"http {response.status_code}{fault}: {self._shown(response)}"
                self._raise_where_final(response, told)
                wished_s = retry_after_s(response.headers.get("Retry-After"))
                wait_s = wait_s if wished_s is None else min(wished_s, _LONGEST_WAIT_S)
            if failures < self._retries.attempts and ended.wait(wait_s):
                break
        raise LauterError(
            f"{self._root} gave no answer in {self._retries.attempts} attempts ({told}); what "
            "came is kept: see that the server is up and run the same command again"
        )

    def _post(self, body: dict[str, Any]) -> httpx2.Response:
        url = f"{self._root}/v1/chat/completions"
        if self._takes_schema:
            response = self._client.post(url, json=body)
            if response.status_code not in _WITHOUT_SCHEMA:
                return response
        plain = {name: value for name, value in body.items() if name != "response_format"}
        response = self._client.post(url, json=plain)
        if response.is_success:
            self._takes_schema = False
        return response

    def _raise_where_final(self, response: httpx2.Response, told: str) -> None:
        status = response.status_code
        if status in _FOREVER:
            raise UsageError(
                f"{self._root} refuses the key ({told}); put the right one into the variable that "
                "writer.key_variable names"
            )
        if status == httpx2.codes.NOT_FOUND:
            raise UsageError(
                f"{self._root} has no chat endpoint or no model '{self.name}' ({told}); correct "
                "writer.url or writer.model"
            )
        if 400 <= status < 500 and status not in (408, 409, 425, 429):
            raise _AskRefusedError(told)

    def _shown(self, response: httpx2.Response) -> str:
        told = " ".join(response.text[: 2 * _SHOWN].split())[:_SHOWN]
        return told.replace(self._key, "***") if self._key else told


def _kept(response: httpx2.Response) -> Kept | None:
    """Return what a server answered, None for what is no chat completion."""
    try:
        content = response.json()
        choice = content["choices"][0]
        message = choice["message"]
        usage = content.get("usage") or {}
        refused = message.get("refusal")
        return Kept(
            without_halves(str(refused or message.get("content") or "")),
            "refusal" if refused else str(choice.get("finish_reason") or ""),
            _count(usage.get("prompt_tokens")),
            _count(usage.get("completion_tokens")),
        )
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return None


def _count(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _judged(kept: Kept, ask: Ask) -> tuple[tuple[Draft, ...], tuple[Fault, ...]]:
    """Return the drafts of an answer, and what is wrong with it."""
    shown = " ".join(kept.content.split())[:60]
    if kept.finish_reason in ("refusal", "content_filter"):
        return (), (Fault(FaultKind.REFUSED, f"the request was refused: '{shown}'"),)
    parsed = parse_answer(kept.content)
    if isinstance(parsed, Fault):
        if kept.finish_reason == "length":
            parsed = Fault(FaultKind.CUT_OFF, "the answer was cut off at max_tokens; be brief")
        return (), (parsed,)
    drafts = tuple(Draft(text, ask.task.seed, ask.task.kind) for text in parsed.texts)
    if len(drafts) < ask.count:
        short = f"{ask.count} texts were asked for, and {len(drafts)} came"
        return drafts, (Fault(FaultKind.TOO_FEW, short),)
    return drafts, ()
