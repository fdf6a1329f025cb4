"""`lauter scaling`: how long a large plan takes, what binds, what losses cost; by simulation."""

import json
import math
from dataclasses import asdict
from pathlib import Path

from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from lauter.datasets.errors import UsageError
from lauter.datasets.location import location_of, write_whole
from lauter.orchestration.making import make
from lauter.orchestration.progress import counted_progress
from lauter.orchestration.scaling.chart import figure, standalone
from lauter.orchestration.scaling.page import MARK, scaling_page, with_interval
from lauter.orchestration.scaling.plots import plots
from lauter.orchestration.single_page import check_replaceable, check_writable
from lauter.pipelines.scaling.answers import Answers, Question, answer
from lauter.pipelines.scaling.assumptions import Assumptions
from lauter.pipelines.scaling.layout import COMMIT, DECODE, HEAR, SPEAK
from lauter.pipelines.scaling.steady import Precision

MOST_CARDS = 100_000


def run(settings: DictConfig, console: Console) -> int:
    """Simulate, write the figures, the page and the plots, and print the table."""
    options = settings.scaling
    folder = location_of(options.folder)
    page = folder / "scaling.html"
    check_replaceable(page, MARK)
    if isinstance(folder, Path):
        check_writable(folder)
    assumptions: Assumptions = make(settings, "assumptions")
    question, precision = _question(options), _precision(options)
    with counted_progress(console, "simulating") as on_done:
        answers = answer(question, assumptions, precision, on_done)
    asked = {"question": asdict(question), "precision": asdict(precision)}
    reckoned = asdict(assumptions)
    content = asked | {"assumptions": reckoned, "answers": asdict(answers)}
    written = folder / "scaling.json"
    write_whole(written, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    write_whole(page, scaling_page(question, answers, precision, reckoned))
    for name, svg in plots(answers, question.at).items():
        write_whole(folder / f"{name}.svg", standalone(svg))
    _print(console, question, answers, assumptions)
    for place in (written, page):
        console.print(str(place), soft_wrap=True)
    return 0


def _question(options: DictConfig) -> Question:
    if not options.cards or not options.losses:
        raise UsageError("scaling.cards and scaling.losses are lists; name one figure or more")
    if not 0 < options.hours < math.inf:
        raise UsageError(f"scaling.hours is {options.hours}; set more than 0")
    for share in options.losses:
        if not 0 <= share < math.inf:
            raise UsageError(f"scaling.losses has {share}; set shares of 0 or more")
    if max(*options.cards, options.at) > MOST_CARDS:
        raise UsageError(
            f"so many cards are not simulated; ask for at most {MOST_CARDS}: with enough writers "
            "twice as many take half as long"
        )
    return Question(options.hours, tuple(options.cards), options.at, tuple(options.losses))


def _precision(options: DictConfig) -> Precision:
    return Precision(options.window_h, options.seeds, options.parcels)


def _print(
    console: Console, question: Question, answers: Answers, assumptions: Assumptions
) -> None:
    table = Table(title=f"{question.hours:,.0f} hours of accepted speech", title_justify="left")
    for name in ("cards", "speak + decode + hear", "writers", "days (95 %)", "by hand"):
        table.add_column(name, justify="right")
    table.add_column("binds")
    table.add_column(assumptions.cluster.currency, justify="right")
    # With one writer the others say the same again.
    bound = [plan for plan in answers.one_writer if plan.binds == COMMIT]
    for plan in (*answers.by_cards, *bound):
        cards = " + ".join(f"{plan.stage(name).cards:.0f}" for name in (SPEAK, DECODE, HEAR))
        days = with_interval(plan.days)
        table.add_row(
            str(plan.cards), cards, str(plan.writers), days, figure(plan.pencil_days), plan.binds,
            f"{plan.cost:,.0f}",
        )  # fmt: skip
    console.print(table)
    for plan in answers.by_losses:
        console.print(
            f"{plan.losses_per_hour:.3g} of the nodes lost in an hour, {plan.cards} cards: "
            f"{with_interval(plan.days)} days, by hand {figure(plan.pencil_days)}"
        )
    for name, ratio in answers.heard.items():
        console.print(f"{name}: {figure(ratio)} cards keep up with a card of the teacher")
    for name, plan in answers.checks.items():
        console.print(f"simulated {name}: {with_interval(plan.days)} days on {plan.cards} cards")
