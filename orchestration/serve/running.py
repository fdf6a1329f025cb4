"""Opening what is served, and a server on a socket until it is told to end."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import uvicorn
from omegaconf import DictConfig

from lauter.datasets.errors import UsageError
from lauter.orchestration.devices import existing_device
from lauter.orchestration.sampling import sampling_of
from lauter.orchestration.serve.app import make_app
from lauter.orchestration.serve.served import Limits, Served
from lauter.student.checkpoint import DTYPES
from lauter.student.serving.batching import Batching
from lauter.student.serving.decoding import Decoding
from lauter.student.serving.engine import Engine
from lauter.student.speak import Student
from lauter.student.teaching import weights_digest

_HEADER_BYTES: Final = 64 << 10
_CONNECTIONS: Final = 2048


@contextmanager
def opened(settings: DictConfig) -> Iterator[Served]:
    """Load the student of ``settings`` with all that it is served with; threads end afterwards."""
    options = settings.serve
    if settings.student is None:
        raise UsageError("no student is named; set student=… to the folder of one")
    if options.dtype not in DTYPES:
        raise UsageError(f"serve.dtype is '{options.dtype}'; choose {', '.join(DTYPES)}")
    student = Student.open(
        settings.student,
        codec=settings.codec.folder,
        device=existing_device("serve.device", options.device),
        dtype=DTYPES[options.dtype],
        sampling=sampling_of(settings),
    )
    batching = Batching(student.model, rows=options.rows, prefill_ids=options.prefill_ids)
    served = Served(
        name=options.name or Path(settings.student).resolve().name,
        checkpoint=weights_digest(student.model),
        student=student,
        engine=Engine(batching, most_waiting=options.most_waiting),
        decoding=Decoding(student.codec),
        limits=Limits(
            body_bytes=options.body_bytes,
            characters=options.characters,
            seconds=options.seconds,
            choices=options.choices,
            top=options.top,
            retry_after_s=options.retry_after_s,
        ),
        stream_s=options.stream_s,
    )
    try:
        yield served
    finally:
        served.engine.close()
        served.decoding.close()


def keys_of(settings: DictConfig) -> list[str]:
    """Return the keys of the environment; raises where a server for others would be without."""
    options = settings.serve
    variable = options.keys_variable
    keys = [key.strip() for key in os.environ.get(variable, "").split(",") if key.strip()]
    if not keys and not _is_loopback(options.host):
        raise UsageError(
            f"serve.host is {options.host}, which others reach, and no key is set; "
            f"put one into the environment variable {variable}, or listen on 127.0.0.1"
        )
    return keys


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def bound(host: str, port: int) -> socket.socket:
    """Return a listening socket; raises ``UsageError`` where the place is taken or not ours."""
    try:
        return socket.create_server((host, port), family=_family(host), backlog=1024)
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"cannot listen on {host} port {port} ({error}); set serve.host and serve.port"
        ) from error


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def server_of(served: Served, keys: list[str], *, drain_s: int) -> uvicorn.Server:
    """Return a server for ``run(sockets=[…])``; on SIGTERM or Ctrl-C it finishes what it has."""
    server = uvicorn.Server(
        uvicorn.Config(
            make_app(served, keys),
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=drain_s,
            lifespan="off",
            # httptools reads headers without end.
            http="h11",
            h11_max_incomplete_event_size=_HEADER_BYTES,
            limit_concurrency=_CONNECTIONS,
        )
    )
    # A server whose model fell over answers nobody: whoever started it starts it again.
    served.engine.on_broken = lambda: setattr(server, "should_exit", True)
    return server
