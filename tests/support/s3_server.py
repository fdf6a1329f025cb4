"""An S3 server on a socket of this machine, and a bucket in it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4
from wsgiref.types import StartResponse, WSGIEnvironment

import fsspec
from moto.server import ThreadedMotoServer

Application = Callable[[WSGIEnvironment, StartResponse], Any]


class S3Server:
    """moto's server, whose answers a test may come between with ``around``."""

    def __init__(self, server: ThreadedMotoServer) -> None:
        host, port = server.get_host_and_port()
        self.url = f"http://{host}:{port}"
        self._inner: Any = server._server

    def environment(self) -> dict[str, str]:
        """Return the variables by which every tool finds this server."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def make_bucket(self) -> str:
        """Make a bucket and return its URL; the variables must be set."""
        name = f"bucket-{uuid4().hex[:12]}"
        fsspec.filesystem("s3", use_listings_cache=False, endpoint_url=self.url).mkdir(name)
        return f"s3://{name}"

    @contextmanager
    def around(self, answers: Callable[[Application], Application]) -> Iterator[None]:
        """Let ``answers``, given the server's own, answer each request."""
        own = self._inner.app
        self._inner.app = answers(own)
        try:
            yield
        finally:
            self._inner.app = own


@contextmanager
def s3_server() -> Iterator[S3Server]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield S3Server(server)
    finally:
        server.stop()
