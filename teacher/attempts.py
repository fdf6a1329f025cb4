"""One time of asking a server: kept with each utterance, and counted in ``run.json``."""

from dataclasses import dataclass
from typing import Final

OK: Final = "ok"
"""The outcome of an attempt that gave the answer."""
HEDGED: Final = "hedged"
"""The outcome of an attempt that was given up because another one was quicker."""
IN_PROCESS: Final = "local"
"""The server of an attempt that was asked of a model in the worker itself."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Who was asked, what came of it (``ok``, ``hedged`` or a short reason), and how long it took.

    Reasons are few and countable: ``http 429``, ``http 500``, ``timed out``, ``no connection``,
    ``cut off``, ``no json``, ``invalid codes: …``. ``seed`` is the one that was sent.
    """

    server: str
    outcome: str
    seconds: float
    seed: int
