"""The routes of a server, and what stands before them."""

import time
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lauter.datasets.errors import LauterError
from lauter.orchestration.serve.answers import HungUpError
from lauter.orchestration.serve.chat import chat
from lauter.orchestration.serve.complaints import on_error, on_http_error, on_invalid
from lauter.orchestration.serve.completions import complete
from lauter.orchestration.serve.guards import BodyGuard, KeyGuard
from lauter.orchestration.serve.served import Served
from lauter.orchestration.serve.speech import speak
from lauter.orchestration.serve.wire import ChatBody, CompletionBody, SpeechBody


def make_app(served: Served, keys: Sequence[str] = ()) -> FastAPI:
    """Return the application; ``keys`` are those that open it (none: everybody)."""
    app = FastAPI(title="Lauter", version=version("lauter"), docs_url=None, redoc_url=None)
    app.state.served = served

    @app.get("/health")
    async def health() -> Response:
        if not served.engine.accepts:
            return JSONResponse({"status": "broken"}, 503)
        return JSONResponse({"status": "ok"})

    @app.get("/version")
    async def tell_version() -> dict[str, str]:
        return {"version": version("lauter")}

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(served.metrics.text(served.engine.load()), media_type="text/plain")

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [served.card()]}

    @app.get("/v1/models/{name}")
    async def model(name: str) -> dict[str, Any]:
        if name != served.name:
            raise HTTPException(404, f"there is no model '{name}'; this server has {served.name}")
        return served.card()

    @app.post("/v1/completions")
    async def completions(request: Request, body: CompletionBody) -> Response:
        return await complete(served, request, body)

    @app.post("/v1/audio/speech")
    async def audio_speech(request: Request, body: SpeechBody) -> Response:
        return await speak(served, request, body)

    @app.post("/v1/chat/completions")
    async def chat_completions(request: Request, body: ChatBody) -> Response:
        return await chat(served, request, body)

    app.add_exception_handler(LauterError, on_error)
    app.add_exception_handler(Exception, on_error)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HungUpError, _on_hung_up)
    app.add_middleware(BodyGuard, most=served.limits.body_bytes)
    app.add_middleware(KeyGuard, keys=tuple(keys))
    app.add_middleware(_Counting, served=served)
    return app


async def _on_hung_up(request: Request, error: Exception) -> Response:
    return Response(status_code=499)  # nobody reads it; it stands in the counts


class _Counting:
    """Counts answers by route and status, and their times."""

    def __init__(self, app: ASGIApp, served: Served) -> None:
        self._app = app
        self._metrics = served.metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 499

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            status = 500
            raise
        finally:
            # Paths that are not there are one: else anyone could make up names of counts.
            found = scope.get("route")
            route = getattr(found, "path", "other")
            self._metrics.answers.labels(route, status).inc()
            self._metrics.seconds.labels(route).observe(time.perf_counter() - started)
