"""The page of `lauter scaling`: its plots, its table, and what was reckoned with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from lauter.orchestration.scaling.chart import figure
from lauter.orchestration.scaling.plots import heard_per_teacher_card, plots
from lauter.orchestration.single_page import generator_mark, render
from lauter.pipelines.scaling.answers import Answers, Question
from lauter.pipelines.scaling.interval import Interval
from lauter.pipelines.scaling.steady import Precision

MARK: Final = generator_mark("scaling")
"""By this the page is known as ours."""
_HERE = Path(__file__).parent


def scaling_page(
    question: Question,
    answers: Answers,
    precision: Precision,
    assumptions: Mapping[str, Any],
) -> str:
    """Return the page as HTML; the same answers give the same page."""
    return render(
        "scaling.html",
        _HERE,
        _HERE.parent / "audit",
        filters={"interval": with_interval, "figure": figure, "heard": heard_per_teacher_card},
        question=question,
        answers=answers,
        precision=precision,
        assumptions=assumptions,
        plots=plots(answers, question.at),
        at=next(iter(answers.checks.values())),
    )


def with_interval(found: Interval) -> str:
    """Return a mean and its interval."""
    return f"{figure(found.value)} ({figure(found.low)} to {figure(found.high)})"
