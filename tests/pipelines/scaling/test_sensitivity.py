"""What matters more comes first, and halving and doubling do what arithmetic says."""

import pytest
from small_plans import assumed

from lauter.pipelines.scaling.sensitivity import Sensitivity, sensitivities

FOUND = sensitivities(assumed(), cards=4096, hours=1e7)
BY_NAME = {one.name: one for one in FOUND}


def test_the_weightiest_comes_first_and_what_does_nothing_is_left_out() -> None:
    ranges = [one.range_days for one in FOUND]
    assert ranges == sorted(ranges, reverse=True) and ranges[-1] > 0
    # How far lengths are spread, what memory is left and what a card costs change no mean pace.
    for name in ("speech.spread", "teacher.memory_used", "cluster.price_per_card_hour"):
        assert name not in BY_NAME


def test_twice_the_accepted_take_half_the_time_as_far_as_a_share_goes() -> None:
    accepted = BY_NAME["speech.accepted_share"]
    # 0.8 halved is 0.4, and doubled 1: two and a half times as many.
    assert accepted.half_days / accepted.twice_days == pytest.approx(2.5)


def test_a_slower_recogniser_and_a_larger_teacher_take_longer() -> None:
    def longer(one: Sensitivity) -> float:
        return one.twice_days / one.half_days

    assert longer(BY_NAME["hear.seconds_per_speech_second"]) > 1.2
    assert longer(BY_NAME["teacher.flops_reached"]) < 0.9
    assert 1 < longer(BY_NAME["cluster.losses_per_hour"]) < 1.05
