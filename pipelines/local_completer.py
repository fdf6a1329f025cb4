"""A model in this process as a completer: for small models, without a server."""

import threading
import weakref
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from lauter.datasets.errors import LauterError, UsageError
from lauter.pipelines.checkpoint_run import CheckpointRun, sampling_of
from lauter.pipelines.completing import NO_QUEUE_IS_TOO_LONG, Asked
from lauter.student.checkpoint import load_model
from lauter.student.model import SpeechModel
from lauter.student.serving.batching import Batching
from lauter.student.serving.engine import Engine
from lauter.teacher.attempts import IN_PROCESS
from lauter.teacher.step_audio.completion import (
    OK,
    Attempt,
    Completed,
    CompletionError,
    CompletionRequest,
    Identity,
)


class LocalCompleter:
    """Runs the checkpoint in ``folder`` here; see ``CheckpointRun`` for the settings.

    The model is loaded for the first request, so that whoever only plans waits for none; it goes
    with ``close``, or with this object. Calls from several threads share one batch.
    """

    def __init__(
        self,
        folder: str | Path | None,
        *,
        rows: int = 16,
        prefill_ids: int = 2048,
        device: str = "cpu",
        dtype: str = "as_stored",
        sampling: Mapping[str, Any] | None = None,
    ) -> None:
        """Check the settings; raises ``UsageError`` where one cannot be."""
        drawing = sampling_of(sampling or {})
        self._run = CheckpointRun(str(folder or ""), rows, prefill_ids, device, dtype, drawing)
        self._gate = threading.Lock()
        self._engine: Engine | None = None
        self._is_closed = False

    @property
    def sampling(self) -> Mapping[str, Any]:
        """How it draws ids, whole: what was not set is there too."""
        return self._run.sampling_figures

    def identity(self) -> Identity:
        """Say who answers; raises ``UsageError`` where the folder holds no checkpoint."""
        return self._identity

    def complete(self, requests: Sequence[CompletionRequest]) -> list[Completed | CompletionError]:
        """Return, in order, what came of each request.

        Raises ``UsageError`` where the checkpoint cannot be loaded.
        """
        engine = self._running()
        asked: list[Asked | CompletionError] = []
        try:
            for request in requests:
                asked.append(self._ask(engine, request))
            return [
                one if isinstance(one, CompletionError) else _completed(one, request.seed)
                for one, request in zip(asked, requests, strict=True)
            ]
        finally:
            # Whoever is interrupted waits for no answer any more.
            for one in asked:
                if isinstance(one, Asked):
                    one.forget()

    def close(self) -> None:
        """End the model's thread; a second time does nothing."""
        with self._gate:
            self._is_closed = True
            engine, self._engine = self._engine, None
        if engine:
            engine.close()

    def _ask(self, engine: Engine, request: CompletionRequest) -> Asked | CompletionError:
        try:
            return Asked(engine, request, self._run.sampling)
        except UsageError as error:
            return CompletionError(f"request {request.key} cannot be answered: {error}")

    def _running(self) -> Engine:
        with self._gate:
            if self._is_closed:
                raise LauterError("the completer is closed; open another one")
            # One whose step went wrong (no memory was left, say) has ended: the next may do better.
            if self._engine is None or not self._engine.accepts:
                run = self._run
                batching = Batching(self._model, rows=run.rows, prefill_ids=run.prefill_ids)
                self._engine = Engine(batching, most_waiting=NO_QUEUE_IS_TOO_LONG)
                # Whoever forgets to close it leaves no model in memory while this process goes on.
                weakref.finalize(self, _end, self._engine).atexit = False
            return self._engine

    @cached_property
    def _model(self) -> SpeechModel:
        run = self._run
        run.check_device()
        return load_model(run.folder, device=run.device, dtype=run.torch_dtype)[0]

    @cached_property
    def _identity(self) -> Identity:
        return self._run.identity()


def _end(engine: Engine) -> None:
    # Not waited for: whoever collects garbage may be any thread.
    threading.Thread(target=engine.close, daemon=True).start()


def _completed(asked: Asked, seed: int) -> Completed:
    answer = asked.answer.result()
    attempt = Attempt(IN_PROCESS, OK, asked.seconds, seed)
    return Completed(answer.ids, answer.ended, answer.top, answer.device_s, (attempt,))
