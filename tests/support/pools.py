"""Pools of live servers, patient enough for a busy machine and quick to try again."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from completion_server import said
from live_server import LiveServer

from lauter.teacher.step_audio.breaker import Breaker
from lauter.teacher.step_audio.completion import Completed, CompletionError, CompletionRequest
from lauter.teacher.step_audio.http_completer import HttpCompleter
from lauter.teacher.step_audio.pool_settings import PoolSettings, ServerSettings
from lauter.teacher.step_audio.retries import Retries

QUICK_RETRIES = Retries(attempts=12, base_s=0.005, longest_s=0.05)


def settings_of(urls: Sequence[str], *, max_in_flight: int = 4, **changes: Any) -> PoolSettings:
    """Settings of a pool that hedges nothing, unless they are changed."""
    usual: dict[str, Any] = {
        "retries": QUICK_RETRIES,
        "hedging": None,
        "breaker": Breaker(opens_after=5, rest_s=0.05, longest_rest_s=0.2),
        "health_every_s": 0.05,
    }
    servers = tuple(ServerSettings(url, max_in_flight=max_in_flight) for url in urls)
    return PoolSettings(servers, **usual | changes)


@contextmanager
def pool_of(*apps: Any, **changes: Any) -> Iterator[tuple[HttpCompleter, list[LiveServer]]]:
    """A completer over one live server for each application, and these servers."""
    with ExitStack() as stack:
        servers = [stack.enter_context(LiveServer(app)) for app in apps]
        completer = HttpCompleter(settings_of([server.url for server in servers], **changes))
        stack.callback(completer.close)
        yield completer, servers


def wait_until(is_so: Callable[[], bool]) -> None:
    """Look again until it is so, for half a minute at most."""
    for _ in range(3000):
        if is_so():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come to be")


def answers(
    requests: Sequence[CompletionRequest], came: Sequence[Completed | CompletionError]
) -> list[Completed]:
    """What came, having checked that it is each request's own answer."""
    assert len(requests) == len(came)
    found = []
    for request, one in zip(requests, came, strict=True):
        assert isinstance(one, Completed), one
        assert one.ids.tolist() == said(request.prompt.tolist(), request.seed)
        assert one.ended
        found.append(one)
    return found


def outcomes(came: Sequence[Completed | CompletionError]) -> Counter[str]:
    """How often each thing came of asking."""
    return Counter(attempt.outcome for one in came for attempt in one.attempts)
