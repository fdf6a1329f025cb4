"""A server on a socket that plays OpenAI's chat endpoint; its model is a fake and can misbehave.

No real model is asked: none is small enough to write in five languages. What it answers well is
made of word lists by a digest of what it was asked, so the same ask gives the same texts. Beside
that it can do whatever a real one was ever seen to do: each fault is a behaviour, taken in turn.
"""

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse

WORDS = (
    "lantern", "harbour", "carpet", "violin", "thunder", "orchard", "pepper", "window", "gravel",
    "kettle", "meadow", "pigeon", "marble", "blanket", "chimney", "ladder", "button", "saddle",
    "anchor", "candle", "basket", "feather", "tunnel", "mirror", "pocket", "whistle", "cabbage",
    "drummer", "pumpkin", "shovel", "teapot", "walnut", "zipper", "compass", "bottle", "hammer",
    "garden", "pillow", "rocket", "sandal", "turtle", "wagon", "trumpet", "parrot", "magnet",
)  # fmt: skip
VERBS = ("carried", "painted", "borrowed", "dropped", "followed", "mended", "ignored", "polished")


def sentence(key: str) -> str:
    """A sentence of English words that only ``key`` decides."""
    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    lots = np.random.default_rng(int.from_bytes(digest))
    first, second, third = (WORDS[place] for place in lots.permutation(len(WORDS))[:3])
    return f"The {first} {VERBS[lots.integers(len(VERBS))]} the {second} and the {third}."


def asked_for(body: dict[str, Any]) -> int:
    """How many texts the last demand of an ask wants."""
    return int(re.findall(r"Write (\d+)", body["messages"][-1]["content"])[-1])


def good(body: dict[str, Any]) -> str:
    """As many sentences as were asked for."""
    key = json.dumps(body["messages"]) + str(body.get("seed"))
    return json.dumps({"texts": [sentence(f"{key}{n}") for n in range(asked_for(body))]})


def saying(content: str) -> Callable[[dict[str, Any]], str]:
    """Always this."""
    return lambda body: content


def texts(*said: str) -> Callable[[dict[str, Any]], str]:
    """An answer of the right form with these texts."""
    return saying(json.dumps({"texts": list(said)}))


def in_fences(body: dict[str, Any]) -> str:
    """A good answer as chatty models give it."""
    return f"Sure! Here you are:\n```json\n{good(body)}\n```\nDo you want more?"


def short_of_one(body: dict[str, Any]) -> str:
    """All but one of what was asked for."""
    return json.dumps({"texts": json.loads(good(body))["texts"][:-1]})


@dataclass
class Chat:
    """What the server does: ``behaviours`` in turn, then the last of them for ever."""

    behaviours: Sequence[Callable[[dict[str, Any]], str | Response]] = (good,)
    key: str = ""
    knows_schema: bool = True
    delay_s: float = 0.0
    usage: bool = True
    bodies: list[dict[str, Any]] = field(default_factory=list)
    """What was asked, refused asks among it."""
    answered: int = 0
    times: list[float] = field(default_factory=list)
    """When it was asked, by ``time.monotonic``."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def app(self) -> FastAPI:
        """The application."""
        app = FastAPI()

        @app.post("/v1/chat/completions")
        def complete(request: Request, body: dict[str, Any]) -> Response:
            return self._answer(request, body)

        return app

    def _answer(self, request: Request, body: dict[str, Any]) -> Response:
        if self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
            raise HTTPException(401, f"unknown key {request.headers.get('Authorization')}")
        with self.lock:
            self.bodies.append(body)
            self.times.append(time.monotonic())
            if not self.knows_schema and "response_format" in body:
                raise HTTPException(400, "response_format is not supported")
            number = min(self.answered, len(self.behaviours) - 1)
            self.answered += 1
        time.sleep(self.delay_s)
        said = self.behaviours[number](body)
        if isinstance(said, Response):
            return said
        content: dict[str, Any] = {
            "object": "chat.completion",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": said},
                    "finish_reason": "stop",
                }
            ],
        }
        if self.usage:
            content["usage"] = {"prompt_tokens": 100, "completion_tokens": 10}
        return JSONResponse(content)


def failing(status: int, **headers: str) -> Callable[[dict[str, Any]], Response]:
    """An error of HTTP."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda body: JSONResponse({"error": "no"}, status, headers=named)


def ending(content: str, reason: str) -> Callable[[dict[str, Any]], Response]:
    """An answer that ended for another reason than that it was complete."""
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": reason}
    return lambda body: JSONResponse({"choices": [choice]})


def refusing(body: dict[str, Any]) -> Response:
    """A refusal in the field that OpenAI has for it."""
    message = {"role": "assistant", "content": None, "refusal": "I can't help with that."}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return JSONResponse({"choices": [choice]})
