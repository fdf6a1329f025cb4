"""The five plots of `lauter scaling`, from its answers."""

from collections.abc import Sequence
from html import escape

from lauter.orchestration.scaling.chart import (
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Series,
    axis,
    chart,
    figure,
)
from lauter.pipelines.scaling.answers import Answers
from lauter.pipelines.scaling.layout import HEAR, SPEAK
from lauter.pipelines.scaling.steady import Forecast, StageShares
from lauter.pipelines.scaling.tally import Doing

_COLOURS = {
    Doing.WORKING: "mark",
    Doing.BLOCKED: "yes",
    Doing.DOWN: "no",
    Doing.WAITING: "soft",
}
_BAR, _STEP = 16, 30


def plots(answers: Answers, at: int) -> dict[str, str]:
    """Return each plot's SVG by its name; ``at`` is the number of cards of the last three."""
    return {
        "cards": by_cards(answers),
        "speeds": by_streams(answers),
        "losses": by_losses(answers, at),
        "recognisers": by_heard(answers, at),
        "time": time_shares(answers.checks["as it is"].stages, at),
    }


def by_cards(answers: Answers) -> str:
    """Return days against cards, with one writer and with as many as it takes."""
    free, one = answers.by_cards, answers.one_writer
    series = [
        _simulated("enough writers", "mark", free, [float(f.cards) for f in free]),
        _simulated("one writer", "no", one, [float(f.cards) for f in one]),
        _by_hand(free, [float(f.cards) for f in free]),
    ]
    days = [end for f in (*free, *one) for end in (f.days.low, f.days.high) if end > 0]
    return chart(
        series,
        axis("cards", [float(f.cards) for f in free], logarithmic=True),
        axis("days", days, logarithmic=True),
        told=f"Days against cards: {_listed(free)}; with one writer {_listed(one)}.",
    )


def by_streams(answers: Answers) -> str:
    """Return a teacher card's codes a second against the streams of its server."""
    streams = [float(speed.streams) for speed in answers.speeds]
    reached = [speed.codes_per_second for speed in answers.speeds]
    ideal = [speed.ideal for speed in answers.speeds]
    return chart(
        [
            Series("as assumed", "mark", tuple(zip(streams, reached, strict=True))),
            Series(
                "the data sheet's", "soft", tuple(zip(streams, ideal, strict=True)), dashed=True
            ),
        ],
        axis("streams of a server", streams, logarithmic=True),
        axis("codes a second of a card", [*reached, *ideal]),
        told=f"A teacher card writes up to {max(reached):.0f} codes a second.",
    )


def by_losses(answers: Answers, at: int) -> str:
    """Return how much longer it takes against the share of nodes lost in an hour."""
    least = min(answers.by_losses, key=lambda one: one.losses_per_hour)
    shares = [100 * one.losses_per_hour for one in answers.by_losses]

    def longer(days: float, of: float) -> float:
        return 100 * (days / of - 1)

    found = answers.by_losses
    simulated = [longer(one.days.value, least.days.value) for one in found]
    intervals = tuple(
        (longer(one.days.low, least.days.value), longer(one.days.high, least.days.value))
        for one in found
    )
    pencil = [longer(one.pencil_days, least.pencil_days) for one in found]
    return chart(
        [
            Series("simulated", "mark", tuple(zip(shares, simulated, strict=True)), intervals),
            Series("closed form", "soft", tuple(zip(shares, pencil, strict=True)), dashed=True),
        ],
        axis(f"% of the nodes lost in an hour, {at} cards", shares),
        axis("% longer", [*pencil, *(end for pair in intervals for end in pair)]),
        told="Longer by "
        + ", ".join(f"{p:.1f} % at {s:g} %" for s, p in zip(shares, simulated, strict=True)),
    )


def by_heard(answers: Answers, at: int) -> str:
    """Return days against recogniser cards for each card of the teacher."""
    found = answers.by_heard
    ratios = [heard_per_teacher_card(one) for one in found]
    return chart(
        [_simulated("simulated", "mark", found, ratios), _by_hand(found, ratios)],
        axis(f"recogniser cards for a card of the teacher, {at} cards in all", ratios),
        axis("days", [one.days.high for one in found]),
        told="Days by recogniser cards for a card of the teacher: "
        + ", ".join(
            f"{one.days.value:.1f} at {ratio:.2f}" for one, ratio in zip(found, ratios, strict=True)
        ),
    )


def heard_per_teacher_card(found: Forecast) -> float:
    """Return how many recogniser cards a plan has for each card of the teacher."""
    return found.stage(HEAR).cards / found.stage(SPEAK).cards


def time_shares(stages: Sequence[StageShares], at: int) -> str:
    """Return what each stage's devices do with their time, as bars."""
    width, start = RIGHT - LEFT - 30, LEFT + 30
    told = "; ".join(
        f"{one.name} works {100 * one.time[Doing.WORKING]:.0f} % of its time" for one in stages
    )
    height = TOP + len(stages) * _STEP + 8
    parts = [
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{escape(told)}">',
        f'<text x="4" y="12">time of each stage, {at} cards</text>',
    ]
    for number, (doing, colour) in enumerate(_COLOURS.items()):
        across = start + number * width / 4
        parts.append(
            f'<rect class="bar {colour}" x="{across:.1f}" y="20" width="10" height="10"/>'
            f'<text x="{across + 15:.1f}" y="29">{doing.value}</text>'
        )
    for number, stage in enumerate(stages):
        top, across = TOP + number * _STEP, float(start)
        parts.append(f'<text x="{start - 6}" y="{top + 12}" text-anchor="end">{stage.name}</text>')
        for doing, colour in _COLOURS.items():
            length = stage.time[doing] * width
            parts.append(
                f'<rect class="bar {colour}" x="{across:.1f}" y="{top}" width="{length:.1f}" '
                f'height="{_BAR}"><title>{stage.name}: {doing.value} '
                f"{100 * stage.time[doing]:.1f} %</title></rect>"
            )
            across += length
    return "".join([*parts, "</svg>"])


def _simulated(label: str, kind: str, found: Sequence[Forecast], at: Sequence[float]) -> Series:
    points = tuple((x, one.days.value) for x, one in zip(at, found, strict=True))
    return Series(label, kind, points, tuple((one.days.low, one.days.high) for one in found))


def _by_hand(found: Sequence[Forecast], at: Sequence[float]) -> Series:
    points = tuple((x, one.pencil_days) for x, one in zip(at, found, strict=True))
    return Series("closed form", "soft", points, dashed=True)


def _listed(found: Sequence[Forecast]) -> str:
    return ", ".join(f"{figure(one.days.value)} on {one.cards}" for one in found)
