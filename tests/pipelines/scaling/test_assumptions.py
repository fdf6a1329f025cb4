"""What is reckoned with makes sense, and what was measured here is what the bench says."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from small_plans import ASSUMPTIONS, assumed

from lauter.datasets.errors import UsageError
from lauter.pipelines.scaling.answers import speeds

BENCH = Path(__file__).parents[3] / "bench" / "results" / "engine.json"
H100 = assumed()


@pytest.mark.parametrize(
    ("group", "name", "figure", "sentence"),
    [
        ("teacher", "streams", 0, "assumptions.teacher.streams is 0; set more than 0"),
        ("teacher", "weights", "many", "assumptions.teacher.weights is 'many'; set a number"),
        ("teacher", "streams", 5000, "8 cards have memory for 1331; set at most 1331, or more"),
        ("teacher", "cards", 2, "2 cards have memory for 0; set more teacher.cards"),
        ("speech", "accepted_share", 1.5, "accepted_share is 1.5, which is a share"),
        ("cluster", "losses_per_hour", -0.1, "losses_per_hour is -0.1; set 0 or more"),
        ("hear", "seconds_per_speech_second", float("nan"), "is nan; set more than 0"),
    ],
)
def test_a_figure_that_makes_no_sense_is_refused_by_its_name(
    group: str, name: str, figure: object, sentence: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(sentence)):
        replace(H100, **{group: replace(getattr(H100, group), **{name: figure})})


def test_a_recogniser_that_takes_no_time_is_refused() -> None:
    with pytest.raises(UsageError, match=r"assumptions.recognisers.magic is 0; set more than 0"):
        replace(H100, recognisers={"magic": 0})


def test_every_figure_says_where_it_comes_from() -> None:
    for file in ASSUMPTIONS.glob("*.yaml"):
        groups = file.read_text().split("\n\n")
        assert all("#" in group for group in groups), file


def test_what_was_measured_here_is_what_the_bench_says() -> None:
    rows = {row["name"]: row for row in json.loads(BENCH.read_text())}
    stages = [row for name, row in rows.items() if name.startswith("stage_")]
    cheap = [row for row in stages if row["name"] not in ("stage_speak", "stage_asr")]
    # A bench that is run again on a busy machine says something else, but not something twice.
    measured = sum(1 / row["value"] for row in cheap)
    assert 0.5 < H100.measure.seconds_per_speech_second / measured < 2
    written = rows["inline_over_lance"]["value"] / (20_000 * 3)
    assert 0.5 < H100.commit.seconds_per_speech_second / written < 2


def test_a_teachers_speed_is_told_as_far_as_memory_reaches() -> None:
    found = speeds(H100, streams=(64, 256, 4096))
    assert [one.streams for one in found] == [64, 256]
    assert all(one.codes_per_second < one.ideal for one in found)
