"""`lauter serve`: a student behind OpenAI's API."""

import signal

from omegaconf import DictConfig
from rich.console import Console

from lauter.datasets.errors import LauterError
from lauter.orchestration.serve.running import bound, keys_of, opened, server_of


def run(settings: DictConfig, console: Console) -> int:
    """Serve until SIGTERM or Ctrl-C; what is being answered then is finished."""
    options = settings.serve
    keys = keys_of(settings)
    listening = bound(options.host, options.port)
    with listening, opened(settings) as served:
        host, port = listening.getsockname()[:2]
        place = f"[{host}]" if ":" in host else host
        console.print(
            f"{served.name} listens on http://{place}:{port}/v1 "
            f"({options.rows} at once, {'with keys' if keys else 'without keys'}); Ctrl-C ends it"
        )
        # uvicorn heeds these itself, and raises them once more when it has ended.
        for told in (signal.SIGTERM, signal.SIGINT):
            signal.signal(told, lambda *_: None)
        server_of(served, keys, drain_s=options.drain_s).run(sockets=[listening])
        load, is_broken = served.engine.load(), not served.engine.accepts
    if is_broken:
        raise LauterError("the model fell over and the server has ended; see the log above")
    left = load.live + load.waiting
    if left:
        console.print(
            f"the server has ended, and {left} answers were cut off after {options.drain_s} s; "
            "raise serve.drain_s"
        )
    else:
        console.print("every answer that was begun is given; the server has ended")
    return 0
