"""An actor that asks a completer of its own, as a worker of a stage's pool does."""

from collections.abc import Callable, Sequence

from lauter.teacher.step_audio.completion import (
    Completed,
    Completer,
    CompletionError,
    CompletionRequest,
)


class PoolWorker:
    def __init__(self, open_completer: Callable[[], Completer]) -> None:
        self._completer = open_completer()

    def complete(self, requests: Sequence[CompletionRequest]) -> list[Completed | CompletionError]:
        return self._completer.complete(requests)
