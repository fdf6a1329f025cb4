"""Figures from made-up measurements: by which words of a prompt they are told apart."""

from lauter.datasets.records import Prompt, Request
from lauter.pipelines.evaluate import Evaluation, Measured
from lauter.pipelines.evaluation_items import Item
from lauter.pipelines.evaluation_report import report
from lauter.student.evaluation import Bootstrap


def measured(speed_level: int, style: str, margin: float) -> Measured:
    prompt = Prompt("one", "en", "en-US", style=style, speed_level=speed_level, speaker="ada")
    return Measured(
        item=Item(Request(prompt, "nobody", "", 0).identified()),
        clip=None, duration_s=1.0, seconds=0.1, failure=None, fault=None, edits=0, characters=3,
        word_edits=0, words=1, applicable=True, transcript="one",
        figures={"speed_margin": margin} if speed_level else {},
    )  # fmt: skip


def test_margins_are_told_by_the_speed_and_the_style_that_were_asked_for() -> None:
    rows = [measured(2, "plain", 0.5), measured(-2, "plain", 0.25), measured(0, "sung", 0.0)]
    found = Evaluation({"student": rows}, {})
    figures = report(found, against=None, margin=0.05, bootstrap=Bootstrap(100))
    told = {(one.axis, one.value): one.systems["student"] for one in figures.slices}
    assert told.keys() == {
        ("style", "plain"), ("style", "sung"),
        ("speed_level", "-2"), ("speed_level", "0"), ("speed_level", "2"),
    }  # fmt: skip
    assert told["speed_level", "2"]["speed_margin"].value == 0.5
    assert told["speed_level", "-2"]["speed_margin"].value == 0.25
    assert "speed_margin" not in told["style", "sung"]
