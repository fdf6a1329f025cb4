"""The questions of a large plan: how long, what binds, what losses cost, how many recognisers.

Each answer is a forecast of ``steady`` for a layout in which one thing is varied.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from lauter.pipelines.scaling.assumptions import Assumptions
from lauter.pipelines.scaling.layout import Layout, balanced_heard
from lauter.pipelines.scaling.sensitivity import Sensitivity, sensitivities
from lauter.pipelines.scaling.stages import PlannedStage
from lauter.pipelines.scaling.steady import Forecast, Precision, forecast

OnDone = Callable[[int, int], None]
SHARES_OF_BALANCE = (0.5, 0.7, 0.85, 0.95, 1.0, 1.05, 1.15, 1.5, 2.0)
"""Recogniser cards tried, over those that keep up with the teacher by the closed form."""
STREAMS = (1, 8, 16, 32, 64, 96, 128, 192, 256, 384, 512)
"""Streams of a server for which its speed is told."""


@dataclass(frozen=True)
class Question:
    """What is asked: hours of accepted speech, on each of these numbers of cards.

    ``at`` is the number of cards for which losses and recognisers are varied, ``losses`` are
    shares of the nodes lost in an hour.
    """

    hours: float
    cards: tuple[int, ...]
    at: int
    losses: tuple[float, ...]


@dataclass(frozen=True)
class Speed:
    """A teacher card's codes a second with so many streams on its server, and the ideal."""

    streams: int
    codes_per_second: float
    ideal: float


@dataclass(frozen=True)
class Answers:
    """What was found.

    ``by_losses`` and ``by_heard`` are for ``Question.at`` cards: one layout that loses more and
    more nodes, and layouts with more and more recogniser cards. ``heard`` is how many recogniser
    cards keep up with a card of the teacher, by recogniser and the closed form. ``checks`` are one
    plan simulated in several ways, which must agree. ``sensitivities`` are for that plan too.
    """

    speeds: tuple[Speed, ...]
    by_cards: tuple[Forecast, ...]
    one_writer: tuple[Forecast, ...]
    by_losses: tuple[Forecast, ...]
    by_heard: tuple[Forecast, ...]
    heard: Mapping[str, float]
    checks: Mapping[str, Forecast]
    sensitivities: tuple[Sensitivity, ...]


def answer(
    question: Question, assumptions: Assumptions, precision: Precision, on_done: OnDone
) -> Answers:
    """Answer all questions; ``on_done`` is told how many plans of how many are simulated.

    Raises ``UsageError`` where a plan cannot be laid out, before the first is simulated.
    """
    plans = _plans(question, assumptions, precision)
    wanted = {(layout.stages(), how): layout for group in plans.values() for layout, how in group}
    found: dict[tuple[tuple[PlannedStage, ...], Precision], Forecast] = {}
    for (stages, how), layout in wanted.items():
        found[stages, how] = forecast(layout, question.hours, how)
        on_done(len(found), len(wanted))
    answered = {
        name: tuple(found[layout.stages(), how] for layout, how in group)
        for name, group in plans.items()
    }
    checked = answered.pop("checks")
    return Answers(
        speeds=speeds(assumptions),
        heard=keeping_up(assumptions),
        checks=dict(zip(otherwise(precision), checked, strict=True)),
        sensitivities=sensitivities(assumptions, question.at, question.hours),
        **answered,
    )


def _plans(
    question: Question, assumptions: Assumptions, precision: Precision
) -> dict[str, list[tuple[Layout, Precision]]]:
    """Return the layouts that answer each question, and how precisely each is simulated."""
    plain = Layout(assumptions, question.at)
    balance = balanced_heard(assumptions)
    layouts = {
        "by_cards": [Layout(assumptions, cards) for cards in question.cards],
        "one_writer": [Layout(assumptions, cards, writers=1) for cards in question.cards],
        "by_losses": [
            replace(plain, happens=losing(assumptions, share)) for share in question.losses
        ],
        "by_heard": [replace(plain, heard=balance * share) for share in SHARES_OF_BALANCE],
    }
    plans = {name: [(one, precision) for one in group] for name, group in layouts.items()}
    return plans | {"checks": [(plain, how) for how in otherwise(precision).values()]}


def losing(assumptions: Assumptions, share: float) -> Assumptions:
    """Return the assumptions with this share of the nodes lost in an hour."""
    return replace(assumptions, cluster=replace(assumptions.cluster, losses_per_hour=share))


def keeping_up(assumptions: Assumptions) -> dict[str, float]:
    """Return, by recogniser, how many of its cards keep up with a card of the teacher."""
    return {
        name: balanced_heard(assumptions, seconds)
        for name, seconds in assumptions.recognisers.items()
    }


def otherwise(precision: Precision) -> dict[str, Precision]:
    """Return what must say the same: as it is, a window twice as long, parcels half as large."""
    twice = replace(precision, window_h=2 * precision.window_h, parcels=2 * precision.parcels)
    return {
        "as it is": precision,
        "in a window twice as long": twice,
        "in parcels half as large": replace(precision, parcels=2 * precision.parcels),
    }


def speeds(assumptions: Assumptions, streams: Sequence[int] = STREAMS) -> tuple[Speed, ...]:
    """Return a teacher card's speed by the streams of its server, as far as memory reaches."""
    server = assumptions.server
    ideal = replace(server, bandwidth_reached=1.0, flops_reached=1.0, layer_overhead_s=0.0)
    context, most = assumptions.context, server.most_streams(assumptions.longest_context)
    return tuple(
        Speed(
            one,
            server.codes_per_second(one, context) / server.cards,
            ideal.codes_per_second(one, context) / server.cards,
        )
        for one in streams
        if one <= most
    )
