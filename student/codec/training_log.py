"""The log of a codec's training: a file for each stage, a line of JSON for each step."""

import json
import time
from collections.abc import Callable
from pathlib import Path

OnStep = Callable[[str, int, int, dict[str, float]], None]
"""Is told the stage, how many of how many steps are done, and the losses of the last one."""


class TrainingLog:
    """Writes a stage's steps into ``STAGE.jsonl`` in ``folder`` and passes on what it is told.

    Each line has ``stage``, ``step`` of ``steps``, ``seconds`` since the stage began, and the
    losses. A stage that begins anew begins its file anew.
    """

    def __init__(self, folder: Path, on_step: OnStep) -> None:
        self._folder = folder
        self._on_step = on_step
        self._stage = ""
        self._began = 0.0

    def __call__(self, stage: str, done: int, of: int, losses: dict[str, float]) -> None:
        """Write a line, where there are losses."""
        is_new = stage != self._stage
        if is_new:
            self._stage, self._began = stage, time.monotonic()
        if losses:
            self._folder.mkdir(parents=True, exist_ok=True)
            seconds = round(time.monotonic() - self._began, 3)
            line = {"stage": stage, "step": done, "steps": of, "seconds": seconds, **losses}
            path = self._folder / f"{stage}.jsonl"
            with path.open("w" if is_new else "a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        self._on_step(stage, done, of, losses)
