"""Whether a server says the same to the same request and seed: tried, since none can promise it.

Sums are rounded by the order in which a device adds, which changes with what else is in the batch.
So a request is asked alone, alone once more, and in a crowd.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from lauter.datasets.errors import LauterError
from lauter.teacher.step_audio.completion import Completed, Completer, CompletionRequest

_CROWD: Final = 7


def repeatability(completer: Completer, request: CompletionRequest) -> str:
    """Return what came of asking ``request`` three times, as a clause.

    Raises ``LauterError`` where it is not answered.
    """
    first = _answers(completer, [request])[0]
    again = _answers(completer, [request])[0]
    others = [
        replace(request, key=f"{request.key}-{number}", seed=request.seed + number)
        for number in range(1, _CROWD + 1)
    ]
    crowded = _answers(completer, [request, *others])[0]
    if (place := _parted(first, again)) is not None:
        return (
            f"does not repeat itself: the same request and seed gave other ids from number "
            f"{place} on, alone both times"
        )
    if (place := _parted(first, crowded)) is not None:
        return (
            "repeats itself while it is asked one thing at a time, and not in a crowd: there the "
            f"same request and seed gave other ids from number {place} on"
        )
    return f"gave the same {len(first)} ids three times, alone and among {_CROWD} others"


def _answers(completer: Completer, requests: Sequence[CompletionRequest]) -> list[list[int]]:
    completed = completer.complete(requests)
    for one in completed:
        if not isinstance(one, Completed):
            raise LauterError(f"the server was asked whether it repeats itself, and {one}")
    return [one.ids.tolist() for one in completed if isinstance(one, Completed)]


def _parted(one: list[int], other: list[int]) -> int | None:
    """Return the first place at which two answers differ, from 0; None where they do not."""
    if one == other:
        return None
    same = (a == b for a, b in zip(one, other, strict=False))
    return next((place for place, equal in enumerate(same) if not equal), min(len(one), len(other)))
