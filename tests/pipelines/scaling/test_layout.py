"""Cards become stages: none is spent twice, and what cannot be laid out is refused."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_plans import assumed

from lauter.datasets.errors import UsageError
from lauter.pipelines.scaling.answers import losing
from lauter.pipelines.scaling.closed_form import bottleneck, capacity
from lauter.pipelines.scaling.layout import COMMIT, HEAR, SPEAK, Layout, balanced_heard

H100 = assumed()


@given(st.integers(14, 20_000))
def test_every_card_is_given_away_once_and_the_teacher_binds(cards: int) -> None:
    stages = Layout(H100, cards).stages()
    assert sum(stage.cards for stage in stages) == cards
    assert bottleneck(stages, H100.load).stage == SPEAK


@given(st.integers(100, 20_000), st.integers(1, 1000))
def test_more_cards_are_never_slower_by_the_closed_form(cards: int, more: int) -> None:
    paces = [
        bottleneck(Layout(H100, n).stages(), H100.load).requests_per_second
        for n in (cards, cards + more)
    ]
    assert paces[0] <= paces[1]


def test_too_few_cards_are_refused_with_the_number_that_is_enough() -> None:
    with pytest.raises(UsageError, match=r"12 cards are too few: .* takes 8.* take (\d+) or more"):
        Layout(H100, 12).stages()


def test_the_recognisers_that_keep_up_are_as_many_as_the_speeds_say() -> None:
    heard = balanced_heard(H100)
    twice_as_fast = balanced_heard(H100, H100.hear.seconds_per_speech_second / 2)
    assert twice_as_fast == pytest.approx(heard / 2, rel=1e-3)
    stages = {stage.name: stage for stage in Layout(H100, 8192, heard=heard).stages()}
    paces = [capacity(stages[name], H100.load) for name in (SPEAK, HEAR)]
    assert paces[0] == pytest.approx(paces[1], rel=0.01)


def test_writers_are_as_many_as_it_takes_or_as_are_asked_for() -> None:
    free, one = Layout(H100, 2048).stages(), Layout(H100, 2048, writers=1).stages()
    assert free[-1].name == COMMIT and free[-1].devices > 1 and one[-1].devices == 1
    assert bottleneck(one, H100.load).stage == COMMIT
    # The writer sits with the driver, which is no spot machine.
    assert one[-1].losses_per_hour == 0


def test_a_plan_that_meets_other_losses_is_laid_out_alike() -> None:
    calm = Layout(H100, 512).stages()
    stormy = Layout(H100, 512, happens=losing(H100, 0.5)).stages()
    assert [stage.devices for stage in calm] == [stage.devices for stage in stormy]
    assert stormy[0].losses_per_hour == 0.5


def test_a_server_over_two_nodes_is_lost_with_either() -> None:
    teacher = replace(H100.teacher, cards=16)
    speak = Layout(replace(H100, teacher=teacher), 64).stages()[0]
    assert speak.losses_per_hour == 2 * H100.cluster.losses_per_hour
    two_on_a_node = replace(H100.teacher, cards=4, streams=64)
    speak = Layout(replace(H100, teacher=two_on_a_node), 64).stages()[0]
    assert speak.devices_per_node == 2 and speak.batch == 128
