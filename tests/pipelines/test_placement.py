"""Pools that have room on a cluster's nodes are told from those that would wait for ever."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from watched_stage import Watched

from lauter.datasets.errors import UsageError
from lauter.pipelines.engines.placement import check_placement
from lauter.pipelines.stage import Resources

HEAD = {"CPU": 8.0}
CARD = {"CPU": 4.0, "GPU": 1.0, "teacher_card": 1.0}


def stage(name: str, **needs: object) -> Watched:
    return Watched(str(Path()), name, Resources(**needs))  # type: ignore[arg-type]


def test_pools_that_fit_are_let_through() -> None:
    speak = stage("speak", num_gpus=1, concurrency=2, custom_resources={"teacher_card": 1})
    score = stage("score", num_cpus=2, concurrency=6)
    check_placement([speak, score], [HEAD, CARD, CARD], local=False)


def test_workers_that_only_few_nodes_can_take_come_first() -> None:
    anywhere = stage("score", num_cpus=1, concurrency=8)
    on_a_card = stage("speak", num_cpus=4, num_gpus=1)
    check_placement([anywhere, on_a_card], [CARD, HEAD], local=False)


def test_a_pool_that_may_grow_is_asked_for_its_fewest_workers_alone() -> None:
    check_placement([stage("speak", concurrency=1, max_workers=99)], [HEAD], local=False)


@pytest.mark.parametrize(
    ("needs", "sentence"),
    [
        (
            {"custom_resources": {"teacher_cart": 1}},
            "a worker of the stage 'speak' needs 1 teacher_cart, which none of Ray's nodes has "
            r"\(there are 3\); ask for less or add nodes, or set engine\.autoscaling=true",
        ),
        ({"num_gpus": 2}, "needs 2 GPU, which none"),
        ({"num_gpus": 1, "num_cpus": 6}, "needs 6 CPU and 1 GPU, which none"),
        (
            {"num_gpus": 1, "concurrency": 3},
            "the pools of speak ask for 3 of Ray's 2 GPU, which leaves a worker of 'speak' no room",
        ),
    ],
)
def test_what_has_no_room_is_refused_with_what_is_lacking(
    needs: dict[str, object], sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        check_placement([stage("speak", **needs)], [HEAD, CARD, CARD], local=False)


def test_cpus_of_a_local_ray_are_a_setting() -> None:
    with pytest.raises(UsageError, match=r"or set engine\.num_cpus=12$"):
        check_placement([stage("speak", concurrency=12)], [HEAD], local=True)
    with pytest.raises(UsageError, match=r"or set engine\.num_cpus=9, or set engine\.autoscaling"):
        check_placement([stage("speak", num_cpus=9)], [HEAD], local=True)


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 5)), min_size=1, max_size=5))
def test_on_one_node_pools_fit_when_their_sum_does(pools: list[tuple[int, int]]) -> None:
    stages = [stage(str(n), num_cpus=cpus, concurrency=n) for cpus, n in pools]
    fits = sum(cpus * n for cpus, n in pools) <= HEAD["CPU"]
    try:
        check_placement(stages, [HEAD], local=False)
    except UsageError:
        assert not fits
    else:
        assert fits
