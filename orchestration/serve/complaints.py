"""Errors as OpenAI's clients read them: a status and ``{"error": {"message", "type", "code"}}``."""

import json
import logging
from typing import Any, Final

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from lauter.datasets.errors import LauterError, UsageError
from lauter.student.serving.engine import BusyError, EndedError

_TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    413: "invalid_request_error",
    429: "rate_limit_error",
    504: "timeout_error",
}


class TooLongError(LauterError):
    """An answer was not whole in time."""


class UnknownModelError(UsageError):
    """A model that is not served here."""


class NoSpeechError(LauterError):
    """What the model said is no speech; the same request would give the same again."""


def complaint(message: str, status: int) -> dict[str, Any]:
    """Return the body of an error."""
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": status}}


def answer_error(message: str, status: int, retry_after_s: int | None = None) -> Response:
    """Return the HTTP answer of an error."""
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    # Not as UTF-8: a half of a character that somebody sent cannot be written so.
    content = json.dumps(complaint(message, status))
    return Response(content, status, headers, media_type="application/json")


def status_of(error: Exception) -> int:
    """Return the HTTP status that says what an error is."""
    if isinstance(error, BusyError):
        return 429
    if isinstance(error, EndedError):
        return 503
    if isinstance(error, UnknownModelError):
        return 404
    if isinstance(error, NoSpeechError):
        return 422
    if isinstance(error, UsageError):
        return 400
    if isinstance(error, TooLongError):
        return 504
    return 500


def sentence_of(error: Exception) -> str:
    """Return what to tell of an error: our own sentences whole, of others no more than the kind."""
    if isinstance(error, LauterError):
        return str(error)
    logging.getLogger(__name__).error("a request failed", exc_info=error)
    return f"something went wrong that should not have ({type(error).__name__}); see the log"


async def on_error(request: Request, error: Exception) -> Response:
    """Answer what went wrong while a request was handled."""
    status = status_of(error)
    retry_after_s = request.app.state.served.limits.retry_after_s if status == 429 else None
    return answer_error(sentence_of(error), status, retry_after_s)


async def on_http_error(request: Request, error: Exception) -> Response:
    """Answer what the framework refuses, such as a path that is not there."""
    assert isinstance(error, HTTPException)
    return answer_error(str(error.detail), error.status_code)


async def on_invalid(request: Request, error: Exception) -> Response:
    """Answer a body that does not fit, with its first fault."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part != "body") or "the body"
    if first["type"] == "json_invalid":
        return answer_error("the body is no JSON; send what the route takes", 400)
    message = "is not known here; leave it out" if first["type"] == "extra_forbidden" else None
    return answer_error(f"{place}: {message or first['msg']}", 400)
