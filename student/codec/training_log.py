"""The log of a codec's training: a line of JSON for each step, in the order of the stages."""

import json
import time
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

LOG: Final = "training.jsonl"

OnStep = Callable[[str, int, int, dict[str, float]], None]
"""Is told the stage, how many of how many steps are done, and the losses of the last one."""


class TrainingLog:
    """Writes ``training.jsonl`` into ``folder`` and passes on what it is told.

    Each line has ``stage``, ``step`` of ``steps``, ``seconds`` since the stage began, and the
    losses. A stage that begins anew takes back its lines and those of all stages after it, so the
    log reads as if the training had never stopped.
    """

    def __init__(self, folder: Path, on_step: OnStep) -> None:
        self._path = folder / LOG
        self._on_step = on_step
        self._stage = ""
        self._began = 0.0

    def __call__(self, stage: str, done: int, of: int, losses: dict[str, float]) -> None:
        """Write a line, where there are losses."""
        if stage != self._stage:
            self._stage, self._began = stage, time.monotonic()
            if losses:
                self._take_back(stage)
        if losses:
            seconds = round(time.monotonic() - self._began, 3)
            line = {"stage": stage, "step": done, "steps": of, "seconds": seconds, **losses}
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        self._on_step(stage, done, of, losses)

    def _take_back(self, stage: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        kept = takewhile(lambda line: line["stage"] != stage, read_training_log(self._path.parent))
        text = "".join(json.dumps(line) + "\n" for line in kept)
        self._path.write_text(text, encoding="utf-8")


def read_training_log(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of a codec's log, as far as they are whole."""
    path = folder / LOG
    found = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            break  # a killed training may leave half a line
    return found
