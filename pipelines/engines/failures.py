"""What went wrong in somebody else's process, as the sentence that was said there."""

import re

from lauter.datasets.errors import LauterError, UsageError

_OURS = re.compile(r"lauter\.[\w.]*?(?P<kind>\w+Error): (?P<sentence>.+)$", re.M)
_WHERE = re.compile(r" \[while running '.*'\]$")
"""What Beam puts behind every message."""


def failure_of(error: BaseException, what: str) -> LauterError:
    """Return Lauter's own error that ``error`` came from, by its chain or by its text.

    Engines wrap what a worker raised, Ray as text alone. Where nothing of ours is found, ``what``
    and the last line of the text are the sentence.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, LauterError):
            return type(cause)(_WHERE.sub("", str(cause)))
        cause = cause.__cause__ or cause.__context__
    text = str(error).strip()
    if said := list(_OURS.finditer(text)):
        kind = UsageError if said[-1]["kind"] == "UsageError" else LauterError
        return kind(_WHERE.sub("", said[-1]["sentence"]))
    last = text.splitlines()[-1] if text else type(error).__name__
    return LauterError(f"{what}: {last}")
