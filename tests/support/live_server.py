"""An application on a real socket, which can die and come back on the same port."""

import asyncio
import socket
import threading
from types import TracebackType

import uvicorn
from starlette.types import ASGIApp


class LiveServer:
    """Serves in a thread of its own while it is entered."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._port = 0
        self._thread: threading.Thread | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_running = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen; callers may connect as soon as this returns."""
        listener = socket.create_server(("127.0.0.1", self._port))
        self._port = listener.getsockname()[1]
        config = uvicorn.Config(self.app, log_level="critical", lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, args=(listener,), daemon=True)
        self._thread.start()

    def _serve(self, listener: socket.socket) -> None:
        async def serve() -> None:
            self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
            self._is_running.set()
            try:
                await self._server.serve(sockets=[listener])
            except asyncio.CancelledError:
                await self._break_connections()

        with listener:
            asyncio.run(serve())

    async def _break_connections(self) -> None:
        for listening in getattr(self._server, "servers", []):
            listening.close()
        # What was accepted in the last moment becomes a connection a few steps later.
        for _ in range(10):
            await asyncio.sleep(0.001)
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()

    def die(self) -> None:
        """Break all connections and stop listening, as the end of a process does."""
        assert self._thread
        self._is_running.wait()
        assert self._task
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join()
        self._thread = None
        self._is_running.clear()

    def __enter__(self) -> "LiveServer":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._thread:
            self.die()
