"""Which assumption matters: the days by the closed form, with each figure halved and doubled."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from lauter.datasets.errors import UsageError
from lauter.pipelines.scaling.assumptions import Assumptions
from lauter.pipelines.scaling.closed_form import bottleneck
from lauter.pipelines.scaling.layout import Layout
from lauter.pipelines.scaling.steady import DAY_S, HOUR_S


@dataclass(frozen=True)
class Sensitivity:
    """Days where an assumption is half and twice what it is; a share is never more than 1."""

    name: str
    half_days: float
    twice_days: float

    @property
    def range_days(self) -> float:
        """How far the two are apart."""
        return abs(self.twice_days - self.half_days)


def sensitivities(assumptions: Assumptions, cards: int, hours: float) -> tuple[Sensitivity, ...]:
    """Return every assumption that changes the days, the weightiest first.

    The cards are shared out anew each time. What is a whole number, such as the cards of a server,
    is left as it is, and so is what could not be halved and doubled.
    """
    found = []
    for group, name in _figures(assumptions):
        try:
            half, twice = (
                _days(_scaled(assumptions, group, name, times), cards, hours) for times in (0.5, 2)
            )
        except UsageError:
            continue
        found.append(Sensitivity(f"{group}.{name}", half, twice))
    felt = [one for one in found if one.range_days > 1e-9 * one.half_days]
    return tuple(sorted(felt, key=lambda one: -one.range_days))


def _figures(assumptions: Assumptions) -> Iterator[tuple[str, str]]:
    for group in fields(assumptions):
        value = getattr(assumptions, group.name)
        if is_dataclass(value):
            yield from ((group.name, one.name) for one in fields(value) if one.type is float)


def _scaled(assumptions: Assumptions, group: str, name: str, times: float) -> Assumptions:
    inner: Any = getattr(assumptions, group)
    figure = getattr(inner, name) * times
    if name.endswith(("_share", "_reached", "_used")):
        figure = min(figure, 1.0)
    return replace(assumptions, **{group: replace(inner, **{name: figure})})


def _days(assumptions: Assumptions, cards: int, hours: float) -> float:
    load = assumptions.load
    pace = bottleneck(Layout(assumptions, cards).stages(), load).requests_per_second
    return hours * HOUR_S / (pace * load.seconds * load.accepted_share) / DAY_S
