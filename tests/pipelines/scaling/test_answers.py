"""The questions, asked of a small plan."""

from dataclasses import replace

import pytest
from small_plans import assumed

from lauter.datasets.errors import UsageError
from lauter.pipelines.scaling.answers import Answers, Question, answer
from lauter.pipelines.scaling.interval import over_seeds
from lauter.pipelines.scaling.layout import HEAR, SPEAK
from lauter.pipelines.scaling.steady import Precision

QUESTION = Question(hours=1e5, cards=(32, 128), at=128, losses=(0.0, 2.0))
QUICK = Precision(window_h=3.0, seeds=3, parcels=300)


@pytest.fixture(scope="module")
def answers() -> Answers:
    slow_writer = replace(assumed().commit, seconds_per_speech_second=0.001)
    told: list[tuple[int, int]] = []
    found = answer(
        QUESTION,
        replace(assumed(), commit=slow_writer),
        QUICK,
        lambda done, whole: told.append((done, whole)),
    )
    assert told == [(done, len(told)) for done in range(1, len(told) + 1)]
    return found


def test_more_cards_take_less_time_and_about_the_same_money(answers: Answers) -> None:
    few, many = answers.by_cards
    assert few.days.value / many.days.value == pytest.approx(4, rel=0.3)
    assert few.cost / many.cost == pytest.approx(1, rel=0.3)
    assert few.binds == many.binds == SPEAK
    assert many.days.value == pytest.approx(many.pencil_days, rel=0.1)


def test_one_writer_binds_where_there_are_enough_cards(answers: Answers) -> None:
    few, many = answers.one_writer
    assert (few.binds, many.binds) == (SPEAK, "commit")
    assert many.days.value == pytest.approx(many.pencil_days, rel=0.02)


def test_losing_nodes_costs_about_the_time_for_which_they_are_missed(answers: Answers) -> None:
    calm, stormy = answers.by_losses
    # Twice an hour for 15 minutes: a third of the time, while a sixth at most is done anew.
    assert stormy.days.value / calm.days.value == pytest.approx(1.5, rel=0.15)
    assert calm.redone_share == 0 < stormy.redone_share < 0.01


def test_too_few_recognisers_bind_and_too_many_are_cards_the_teacher_lacks(
    answers: Answers,
) -> None:
    fewest, *_, most = answers.by_heard
    best = min(answers.by_heard, key=lambda one: one.days.value)
    assert fewest.binds == HEAR and most.binds == SPEAK
    assert fewest.days.value > best.days.value < most.days.value
    heard = best.stage(HEAR).cards / best.stage(SPEAK).cards
    assert heard == pytest.approx(answers.heard["whisper-large-v3"], rel=0.25)


def test_otherwise_simulated_the_same_plan_takes_the_same_time(answers: Answers) -> None:
    plain, *others = answers.checks.values()
    for other in others:
        assert other.days.value == pytest.approx(plain.days.value, rel=0.05)


def test_a_plan_that_cannot_be_laid_out_is_refused_before_any_is_simulated() -> None:
    def fail(done: int, whole: int) -> None:
        raise AssertionError("one was simulated")

    with pytest.raises(UsageError, match="2 cards are too few"):
        answer(replace(QUESTION, cards=(128, 2)), assumed(), QUICK, fail)


def test_one_seed_has_no_interval_and_several_have_students() -> None:
    assert over_seeds([3.0]).low == over_seeds([3.0]).high == 3.0
    found = over_seeds([1.0, 2.0, 3.0])
    # t(0.975, 2) = 4.303, standard error 1 / sqrt(3).
    assert found.high - found.value == pytest.approx(4.303 / 3**0.5, rel=1e-3)
