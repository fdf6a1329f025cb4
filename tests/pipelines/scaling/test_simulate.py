"""The laws that any flow of requests keeps, and the pencil that it agrees with."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_plans import LOAD, chain

from lauter.pipelines.scaling.closed_form import bottleneck, capacity
from lauter.pipelines.scaling.simulate import simulate_all, simulate_window
from lauter.pipelines.scaling.stages import PlannedStage
from lauter.pipelines.scaling.tally import Doing, Outcome

HOUR_S = 3600.0

planned_stages = st.builds(
    PlannedStage,
    name=st.just("a stage"),
    devices=st.integers(1, 5),
    devices_per_node=st.integers(1, 3),
    seconds_per_request=st.sampled_from([0.0, 0.01, 1.0]),
    seconds_per_speech_second=st.sampled_from([0.0, 0.02, 0.5]),
    spread=st.sampled_from([0.0, 0.7]),
    batch=st.integers(1, 4),
    share=st.sampled_from([0.0, 0.5, 1.0]),
    invalid_share=st.sampled_from([0.0, 0.3]),
    attempts=st.integers(1, 3),
    queue=st.integers(1, 3),
    slow_share=st.sampled_from([0.0, 0.5]),
    slowdown=st.sampled_from([1.0, 3.0]),
    losses_per_hour=st.sampled_from([0.0, 20.0, 400.0]),
    replace_s=st.sampled_from([0.0, 5.0]),
    load_s=st.sampled_from([0.0, 2.0]),
)
plans = st.lists(planned_stages, min_size=1, max_size=4).map(
    lambda found: tuple(replace(one, name=f"stage {n}") for n, one in enumerate(found))
)


def window(
    stages: tuple[PlannedStage, ...], *, parcel: int = 10, seed: int = 0, hours: float = 1.0
) -> Outcome:
    return simulate_window(
        stages, LOAD, parcel=parcel, warm_up_s=600, window_s=hours * HOUR_S, seed=seed
    )


@settings(max_examples=120)
@given(plans, st.integers(0, 60), st.integers(1, 7), st.integers(0, 99))
def test_no_request_is_lost_or_doubled_whatever_happens_to_the_nodes(
    plan: tuple[PlannedStage, ...], requests: int, parcel: int, seed: int
) -> None:
    found = simulate_all(plan, LOAD, parcel=parcel, requests=requests, seed=seed)
    assert found.kept + found.failed == requests
    assert 0 <= found.accepted <= found.kept
    if all(stage.invalid_share == 0 for stage in plan):
        assert found.failed == 0


@settings(max_examples=60)
@given(plans, st.integers(1, 60), st.integers(1, 7), st.integers(0, 99))
def test_littles_law_holds_from_empty_to_empty(
    plan: tuple[PlannedStage, ...], requests: int, parcel: int, seed: int
) -> None:
    plan = (*plan, PlannedStage("takes time", 1, seconds_per_request=0.5))
    found = simulate_all(plan, LOAD, parcel=parcel, requests=requests, seed=seed)
    out = found.kept + found.failed
    if out:
        assert found.in_system * found.seconds == pytest.approx(found.sojourn_s * out)


@settings(max_examples=60)
@given(plans, st.integers(1, 60), st.integers(0, 99))
def test_a_nodes_time_is_wholly_accounted_for(
    plan: tuple[PlannedStage, ...], requests: int, seed: int
) -> None:
    plan = (*plan, PlannedStage("takes time", 1, seconds_per_request=0.5))
    found = simulate_all(plan, LOAD, parcel=3, requests=requests, seed=seed)
    for stage in found.stages.values():
        assert sum(stage.time.values()) == pytest.approx(1)
        assert min(stage.time.values()) >= 0
        assert 0 <= stage.redone <= stage.time[Doing.WORKING] + 1e-9


@settings(max_examples=30)
@given(plans, st.integers(0, 99))
def test_the_same_seed_gives_the_same_outcome(plan: tuple[PlannedStage, ...], seed: int) -> None:
    found = [simulate_all(plan, LOAD, parcel=3, requests=20, seed=seed) for _ in range(2)]
    assert found[0] == found[1]


def test_another_seed_gives_another_outcome() -> None:
    first, second = (window(chain(), seed=seed) for seed in (0, 1))
    assert first != second


def test_where_queues_do_not_matter_the_simulation_says_what_the_pencil_says() -> None:
    stages = chain(seconds_per_speech_second=0.2)
    pencil = bottleneck(stages, LOAD)
    found = window(stages, parcel=10, hours=4)
    assert pencil.stage == found.binds == "speak"
    assert found.requests_per_second == pytest.approx(pencil.requests_per_second, rel=0.01)


@pytest.mark.parametrize(
    "what",
    [
        {"losses_per_hour": 2.0, "replace_s": 60.0, "load_s": 30.0},
        # Each node has many lives, and is slow in half of them.
        {"slow_share": 0.5, "slowdown": 2.0, "losses_per_hour": 60.0},
        {"invalid_share": 0.3, "attempts": 3},
        {"share": 0.5},
        {"losses_per_hour": 20.0, "batch": 40},
    ],
    ids=["losses", "stragglers", "invalid answers", "passing by", "work in flight"],
)
def test_it_agrees_with_the_pencil_on_everything_that_costs_time(what: dict[str, float]) -> None:
    stages = chain(devices=40, **what)
    # The others must not bind, and have room for what comes in bursts.
    stages = (stages[0], *(replace(stage, devices=60, queue=9) for stage in stages[1:]))
    # A loss costs a batch only where a parcel holds one.
    found = window(stages, parcel=int(max(20, what.get("batch", 0))), hours=2)
    pencil = bottleneck(stages, LOAD)
    assert pencil.stage == "speak"
    assert found.requests_per_second == pytest.approx(pencil.requests_per_second, rel=0.02)


def test_more_of_what_binds_is_faster_until_something_else_does() -> None:
    paces = [window(chain(devices=devices)).requests_per_second for devices in (1, 2, 4, 8)]
    assert paces == sorted(paces)
    for devices, pace in zip((1, 2, 4, 8), paces, strict=True):
        assert pace == pytest.approx(devices, rel=0.02)
    # The four scorers take a quarter of a second for each, so sixteen a second come through.
    flooded = window(chain(devices=40))
    assert flooded.binds == "score"
    assert flooded.requests_per_second == pytest.approx(16, rel=0.02)


def test_who_finds_no_room_waits_with_what_it_has() -> None:
    stages = (
        PlannedStage("quick", 2, seconds_per_request=0.01, queue=1),
        PlannedStage("slow", 2, seconds_per_request=1.0, queue=2),
    )
    found = window(stages, parcel=3)
    assert found.stages["quick"].time[Doing.BLOCKED] > 0.95
    # At the door, two and two before the nodes, two and two on them: no more parcels than places.
    assert found.in_system <= 3 * (1 + 2 + 2 + 4 + 2)
    law = found.requests_per_second * found.sojourn_s
    assert found.in_system == pytest.approx(law, rel=0.01)


def test_a_lost_node_costs_no_more_than_the_batch_in_hand() -> None:
    stages = chain(losses_per_hour=60.0, replace_s=1.0, batch=5)
    for parcel in (5, 50, 500):
        found = window(stages, parcel=parcel, hours=4)
        speak = found.stages["speak"]
        assert speak.losses > 400
        redone_s = speak.redone * found.seconds * 4
        assert redone_s <= speak.losses * 5 * 1.0
        # Half a batch on average.
        assert redone_s / speak.losses == pytest.approx(2.5, rel=0.15)


def test_attempts_are_used_up_by_as_many_requests_as_chance_says() -> None:
    stages = chain(invalid_share=0.3, attempts=2)
    found = simulate_all(stages, LOAD, parcel=20, requests=20_000, seed=0)
    assert found.failed / 20_000 == pytest.approx(0.09, abs=0.01)
    assert found.accepted / found.kept == pytest.approx(LOAD.accepted_share, abs=0.01)
    assert found.speech_s / found.kept == pytest.approx(LOAD.seconds, rel=0.02)


def test_neither_the_size_of_parcels_nor_the_length_of_the_window_changes_the_pace() -> None:
    stages = chain(devices=40, losses_per_hour=1.0, replace_s=120.0)
    stages = (stages[0], *(replace(stage, devices=60) for stage in stages[1:]))
    coarse, fine = (window(stages, parcel=parcel, hours=2) for parcel in (80, 20))
    long = window(stages, parcel=80, hours=4)
    for other in (fine, long):
        assert other.requests_per_second == pytest.approx(coarse.requests_per_second, rel=0.02)


def test_a_stage_that_takes_no_time_never_binds() -> None:
    assert capacity(PlannedStage("free", 1), LOAD) == float("inf")
