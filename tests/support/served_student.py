"""A student behind a real socket of this process."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from lauter.orchestration.serve.running import bound, server_of
from lauter.orchestration.serve.served import Limits, Served
from lauter.student.serving.batching import Batching
from lauter.student.serving.decoding import Decoding
from lauter.student.serving.engine import Engine
from lauter.student.speak import Student


@contextmanager
def served_student(
    student: Student, *, rows: int = 4, most_waiting: int = 64, limits: Limits | None = None
) -> Iterator[Served]:
    """Give what is served, without a socket."""
    served = Served(
        name="student",
        checkpoint="c0ffee",
        student=student,
        engine=Engine(Batching(student.model, rows=rows), most_waiting=most_waiting),
        decoding=Decoding(student.codec),
        limits=limits or Limits(),
        stream_s=0.0,
    )
    try:
        yield served
    finally:
        served.engine.close()
        served.decoding.close()


@contextmanager
def listening(served: Served, keys: Sequence[str] = ()) -> Iterator[str]:
    """Serve on a free port of this machine; give the address of the API."""
    with bound("127.0.0.1", 0) as socket:
        server = server_of(served, list(keys), drain_s=10)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{socket.getsockname()[1]}/v1"
        finally:
            server.should_exit = True
            thread.join()


def idle(served: Served) -> Any:
    """Return the load once nothing is spoken any more."""
    while (load := served.engine.load()).live or load.waiting:
        time.sleep(0.01)
    return load
