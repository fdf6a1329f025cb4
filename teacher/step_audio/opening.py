"""From the plain words of a configuration to a pool of servers."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from lauter.datasets.errors import UsageError
from lauter.teacher.step_audio.breaker import Breaker
from lauter.teacher.step_audio.hedging import Hedging
from lauter.teacher.step_audio.http_completer import HttpCompleter
from lauter.teacher.step_audio.pool_settings import Patience, PoolSettings, ServerSettings
from lauter.teacher.step_audio.retries import Retries

T = TypeVar("T")


def open_pool(
    servers: Sequence[str | Mapping[str, Any]] | str,
    *,
    model: str = "",
    checkpoint: str = "",
    sampling: Mapping[str, Any] | None = None,
    patience: Mapping[str, Any] | None = None,
    retries: Mapping[str, Any] | None = None,
    hedging: Mapping[str, Any] | bool = True,
    breaker: Mapping[str, Any] | None = None,
    health_every_s: float = 5.0,
) -> HttpCompleter:
    """Return a completer that asks ``servers``: addresses, or what ``ServerSettings`` takes.

    ``patience``, ``retries``, ``hedging`` (False: none) and ``breaker`` are what the classes of
    these names take. Raises ``UsageError`` for a key that they do not know.
    """
    given = [servers] if isinstance(servers, str) else servers
    hedged = {} if hedging is True else hedging
    return HttpCompleter(
        PoolSettings(
            servers=tuple(
                ServerSettings(one) if isinstance(one, str) else _made(ServerSettings, one)
                for one in given
            ),
            model=model,
            checkpoint=checkpoint,
            sampling=dict(sampling or {}),
            patience=_made(Patience, patience or {}),
            retries=_made(Retries, retries or {}),
            hedging=None if hedged is False else _made(Hedging, hedged),
            breaker=_made(Breaker, breaker or {}),
            health_every_s=health_every_s,
        )
    )


def _made(kind: type[T], given: Mapping[str, Any]) -> T:
    known = [one.name for one in fields(kind)]  # type: ignore[arg-type]
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(known)}"
            raise UsageError(f"{kind.__name__} has no setting '{key}'; {hint}")
    try:
        return TypeAdapter(kind).validate_python(dict(given))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or kind.__name__
        raise UsageError(
            f"{kind.__name__} cannot be used: {place} is {first['input']!r}; {first['msg']}"
        ) from None
