"""A server of completions that speaks vLLM's protocol; its model is a digest of prompt and seed.

What it says depends on nothing else, so every server of a pool says the same, and a test knows what
is right. It writes into a ledger who asked, and what was delivered whole.
"""

import asyncio
import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import StreamingResponse

from lauter.datasets.codes import interleave
from lauter.datasets.layout import END, STEP_AUDIO
from lauter.teacher.step_audio.completion import CompletionRequest


def request_of(
    number: int, *, max_tokens: int = 100, top: int = 0, seed: int = 7
) -> CompletionRequest:
    """A request with a prompt of its own."""
    prompt = np.asarray([1, 4, 300 + number, 4], np.int64)
    return CompletionRequest(f"request-{number}", prompt, seed, max_tokens, (END,), top)


def said(prompt: list[int], seed: int) -> list[int]:
    """The ids that answer a prompt: 4 to 12 groups of codes, without the end."""
    digest = hashlib.blake2b(repr((prompt, seed)).encode(), digest_size=8).digest()
    lots = np.random.default_rng(int.from_bytes(digest, "big"))
    groups = int(lots.integers(4, 13))
    codes = interleave(lots.integers(0, 1024, 2 * groups), lots.integers(0, 4096, 3 * groups))
    return [int(id_) for id_ in STEP_AUDIO.ids_of(codes)]


def likeliest(id_: int, top: int) -> dict[int, float]:
    """The likeliest ids where ``id_`` was drawn, which is not always one of them."""
    others = {(id_ + 1 + n) % STEP_AUDIO.size: -0.5 - n for n in range(top)}
    return {id_: -0.25 if id_ % 2 else -99.0} | others


@dataclass
class Ledger:
    """What servers of a test were asked and gave, by request."""

    asked: Counter[str] = field(default_factory=Counter)
    delivered: Counter[str] = field(default_factory=Counter)
    asked_by_server: Counter[str] = field(default_factory=Counter)
    in_flight: Counter[str] = field(default_factory=Counter)
    most_in_flight: Counter[str] = field(default_factory=Counter)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    last_asked: dict[str, float] = field(default_factory=dict)
    """By request, by ``time.monotonic``."""
    lock: threading.Lock = field(default_factory=threading.Lock)


def completion_app(
    ledger: Ledger,
    *,
    name: str = "a",
    model: str = "parrot",
    checkpoint: str = "c0ffee",
    version: str = "1.0",
    key: str = "",
    chunk: int = 5,
    delay_s: float = 0.001,
    gives_stop_id: bool = True,
    device_s: float | None = None,
    checkpoints: Sequence[str] | None = None,
) -> FastAPI:
    """The application: ``chunk`` ids at a time, with a pause before each chunk.

    ``device_s`` is what it says that each answer took. ``checkpoints`` are those that it says it
    has, one each time that it is asked, the last for ever.
    """
    app = FastAPI()
    known = list(checkpoints or [checkpoint])

    def check_key(request: Request) -> None:
        if key and request.headers.get("Authorization") != f"Bearer {key}":
            raise HTTPException(401, f"the key {request.headers.get('Authorization')} is unknown")

    @app.get("/health")
    async def health() -> Response:
        return Response()

    @app.get("/version")
    async def show_version() -> dict[str, str]:
        return {"version": version}

    @app.get("/v1/models")
    async def models(request: Request) -> dict[str, Any]:
        check_key(request)
        now = known.pop(0) if len(known) > 1 else known[0]
        one = {"id": model, "object": "model"} | ({"checkpoint": now} if now else {})
        return {"object": "list", "data": [one]}

    @app.post("/v1/completions")
    async def complete(request: Request) -> StreamingResponse:
        check_key(request)
        body = await request.json()
        if body["model"] != model:
            raise HTTPException(404, f"no model {body['model']}")
        if len(body["prompt"]) > 1000:
            secret = request.headers.get("Authorization", "nobody")
            raise HTTPException(400, f"{secret} sent a prompt that is longer than the context")
        asked = request.headers["X-Request-Id"].rpartition("-")[0]
        with ledger.lock:
            ledger.asked[asked] += 1
            ledger.asked_by_server[name] += 1
            ledger.bodies.append(body)
            ledger.last_asked[asked] = time.monotonic()
        return StreamingResponse(stream(asked, body), media_type="text/event-stream")

    async def stream(asked: str, body: dict[str, Any]) -> AsyncIterator[str]:
        with ledger.lock:
            ledger.in_flight[name] += 1
            ledger.most_in_flight[name] = max(ledger.most_in_flight[name], ledger.in_flight[name])
        try:
            ids = [*said(body["prompt"], body["seed"]), *body["stop_token_ids"][:1]]
            has_ended = len(ids) <= body["max_tokens"]
            ids = ids[: body["max_tokens"]]
            for start in range(0, len(ids), chunk):
                await asyncio.sleep(delay_s)
                part = ids[start : start + chunk]
                is_last = start + chunk >= len(ids)
                reason = ("stop" if has_ended else "length") if is_last else None
                yield f"data: {json.dumps(chunk_of(part, reason, body))}\n\n"
            yield 'data: {"choices": [], "usage": {"completion_tokens": 1}}\n\n'
            yield "data: [DONE]\n\n"
            with ledger.lock:
                ledger.delivered[asked] += 1
        finally:
            with ledger.lock:
                ledger.in_flight[name] -= 1

    def chunk_of(part: list[int], reason: str | None, body: dict[str, Any]) -> dict[str, Any]:
        choice: dict[str, Any] = {"index": 0, "text": "~" * len(part), "finish_reason": reason}
        if "logprobs" in body:
            named = [
                {f"token_id:{k}": v for k, v in likeliest(id_, body["logprobs"]).items()}
                for id_ in part
            ]
            choice["logprobs"] = {"top_logprobs": named}
        if reason and device_s is not None:
            choice["device_s"] = device_s
        shown = part[:-1] if reason == "stop" and not gives_stop_id else part
        return {"choices": [choice | {"token_ids": shown}]}

    return app
