"""A speaking evaluation in which the worker dies, at the second time it is asked."""

import os
from collections.abc import Callable
from pathlib import Path

from lauter.datasets.text_tokens import TextTokenizer
from lauter.student.model import SpeechModel


def make(folder: str) -> Callable[[SpeechModel], dict[str, float]]:
    """Return an evaluation that leaves a mark in ``folder`` each time it is asked."""

    def speak(model: SpeechModel, tokenizer: TextTokenizer) -> dict[str, float]:
        asked = len(list(Path(folder).iterdir()))
        (Path(folder) / str(asked)).touch()
        if asked == 1:
            os._exit(9)
        return {"cer": 0.5}

    return speak
