"""From a window of a plan in its steady state to the whole of it.

Ten million hours are billions of requests. What is simulated is a window after the plan has come
into its stride, with parcels so large that a window has a few thousand of them; the whole takes as
many times as long as it has more speech. Three things could be wrong with that, and each is looked
at (``answers.checks``): the window may be too short (twice as long must say the same), the parcels
too coarse (half the size must say the same), and chance (seeds give the interval).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lauter.datasets.errors import UsageError
from lauter.pipelines.scaling.closed_form import bottleneck
from lauter.pipelines.scaling.interval import Interval, over_seeds
from lauter.pipelines.scaling.layout import Layout
from lauter.pipelines.scaling.simulate import simulate_window
from lauter.pipelines.scaling.stages import PlannedStage
from lauter.pipelines.scaling.tally import Doing, Outcome

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
_SETTLE_S = HOUR_S
"""Several times as long as a lost node is missed."""


@dataclass(frozen=True)
class Precision:
    """How much is simulated: hours of a window, seeds, and parcels in a window."""

    window_h: float = 6.0
    seeds: int = 10
    parcels: int = 2000


@dataclass(frozen=True)
class StageShares:
    """A stage of a plan: its devices and cards, and what its devices do with their time."""

    name: str
    devices: int
    cards: float
    time: dict[str, float]


@dataclass(frozen=True)
class Forecast:
    """What a plan comes to.

    ``days`` and ``card_hours`` are for the hours asked for, ``cost`` is their price;
    ``pencil_days`` is the closed form's. ``binds`` is the stage that works most of its time, over
    all seeds, ``pencil_binds`` the one of least capacity. ``redone_share`` is the part of the
    teacher's time that went into work lost with its nodes.
    """

    cards: int
    writers: int
    stages: tuple[StageShares, ...]
    days: Interval
    pencil_days: float
    binds: str
    pencil_binds: str
    losses_per_hour: float
    redone_share: float
    card_hours: float
    cost: float

    def stage(self, name: str) -> StageShares:
        """Return the stage of this name."""
        return next(one for one in self.stages if one.name == name)


def forecast(layout: Layout, hours: float, precision: Precision) -> Forecast:
    """Return what ``hours`` of accepted speech take by this plan.

    Raises ``UsageError`` where nodes are lost so fast that nothing comes out.
    """
    stages, load = layout.stages(), layout.assumptions.load
    lost = (layout.happens or layout.assumptions).cluster.losses_per_hour
    pencil = bottleneck(stages, load)
    pace = pencil.requests_per_second
    outcomes = _windows(layout, stages, pace, precision) if pace else []
    if not outcomes or not all(one.accepted for one in outcomes):
        raise UsageError(
            f"nothing came out on {layout.cards} cards: at {lost:g} of them an hour, nodes are "
            "lost before they have done anything; ask for fewer losses"
        )
    start_s = max(stage.load_s for stage in stages)
    accepted_s = pencil.requests_per_second * load.seconds * load.accepted_share
    days = over_seeds(
        [(start_s + hours * HOUR_S / one.accepted_s * one.seconds) / DAY_S for one in outcomes]
    )
    shares = tuple(_shares(stage, outcomes) for stage in stages)
    card_hours = days.value * 24 * layout.cards
    return Forecast(
        cards=layout.cards,
        writers=stages[-1].devices,
        stages=shares,
        days=days,
        pencil_days=(start_s + hours * HOUR_S / accepted_s) / DAY_S,
        binds=max(shares, key=lambda one: one.time[Doing.WORKING]).name,
        pencil_binds=pencil.stage,
        losses_per_hour=lost,
        redone_share=_mean([one.stages[stages[0].name].redone for one in outcomes]),
        card_hours=card_hours,
        cost=card_hours * layout.assumptions.cluster.price_per_card_hour,
    )


def _windows(
    layout: Layout, stages: Sequence[PlannedStage], pace: float, precision: Precision
) -> list[Outcome]:
    """Return a window for each seed; ``pace`` is about how many requests a second there will be."""
    window_s = precision.window_h * HOUR_S
    # A loss costs a batch only where a parcel holds one.
    largest = max(stage.batch for stage in stages)
    parcel = max(largest, math.ceil(pace * window_s / precision.parcels))
    # Until the queues are as full as they will be, each parcel has waited once for each place.
    places = sum((1 + stage.queue) * stage.nodes for stage in stages)
    warm_up_s = max(stage.load_s for stage in stages) + _SETTLE_S + places * parcel / pace
    return [
        simulate_window(
            stages,
            layout.assumptions.load,
            parcel=parcel,
            warm_up_s=warm_up_s,
            window_s=window_s,
            seed=seed,
        )
        for seed in range(precision.seeds)
    ]


def _shares(stage: PlannedStage, outcomes: Sequence[Outcome]) -> StageShares:
    time = {
        doing.value: _mean([one.stages[stage.name].time[doing] for one in outcomes])
        for doing in Doing
    }
    return StageShares(stage.name, stage.devices, stage.cards, time)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
