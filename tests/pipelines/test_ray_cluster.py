"""On a cluster of simulated nodes: pools are placed, grow, and outlive nodes that come and go."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from scripted_requests import scripted_requests
from watched_stage import Watched, loaded, worked, worked_again

from lauter.datasets.errors import LauterError, UsageError
from lauter.pipelines.engines.ray import RayEngine
from lauter.pipelines.stage import Pipeline, Resources

pytestmark = pytest.mark.slow

TEACHER_NODE = {"num_cpus": 2, "num_gpus": 1, "resources": {"teacher_card": 1}}
SCORER_NODE = {"num_cpus": 2, "resources": {"scorer_card": 1}}
ROWS_A_BATCH = 4
MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head node without cards, and none beside it."""
    import ray
    from ray.cluster_utils import Cluster

    ray.shutdown()
    # A node that does not answer for a second is dead.
    health = {
        "health_check_initial_delay_ms": 0,
        "health_check_period_ms": 250,
        "health_check_timeout_ms": 1000,
        "health_check_failure_threshold": 3,
    }
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "_system_config": health})
    RayEngine(address=made.address).start()
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.fixture
def nodes(cluster: Any) -> Iterator["Nodes"]:
    made = Nodes(cluster)
    yield made
    for node in made.alive:
        cluster.remove_node(node)


class Nodes:
    """Nodes that are there for one test."""

    def __init__(self, cluster: Any) -> None:
        self._cluster = cluster
        self.alive: list[Any] = []

    def add(self, kind: dict[str, Any], count: int = 1) -> list[Any]:
        added = [self._cluster.add_node(**kind, wait=False) for _ in range(count)]
        self._cluster.wait_for_nodes()
        self.alive += added
        return added

    def lose(self, node: Any) -> None:
        """Kill all that runs on the node at once, as spot machines go."""
        self.alive.remove(node)
        self._cluster.remove_node(node, allow_graceful=False)


def engine(cluster: Any, **options: Any) -> RayEngine:
    return RayEngine(address=cluster.address, **{"stalled_s": 60.0, **options})


def requests(batches: int) -> pa.Table:
    return scripted_requests([f"row {number:03d}" for number in range(batches * ROWS_A_BATCH)])


def pipeline(*stages: Watched) -> Pipeline:
    return Pipeline(requests(0).schema, stages)


def texts_of(batches: Iterator[pa.RecordBatch]) -> list[str]:
    return [text for batch in batches for text in batch["text"].to_pylist()]


def test_workers_go_where_their_resources_are_and_load_once_a_node(
    cluster: Any, nodes: Nodes, tmp_path: Path
) -> None:
    teachers, scorers = nodes.add(TEACHER_NODE, 2), nodes.add(SCORER_NODE)
    speak = Watched(
        str(tmp_path),
        "speak",
        Resources(
            num_gpus=1,
            batch_size=ROWS_A_BATCH,
            concurrency=2,
            batches_at_once=2,
            custom_resources={"teacher_card": 1},
        ),
        together=2,
    )
    score = Watched(
        str(tmp_path),
        "score",
        Resources(batch_size=ROWS_A_BATCH, custom_resources={"scorer_card": 1}),
    )
    rows = requests(24)
    texts = texts_of(engine(cluster).run(pipeline(speak, score), rows))
    assert sorted(texts) == rows["text"].to_pylist()
    assert loads(tmp_path, "speak") == {node.node_id: 1 for node in teachers}
    assert loads(tmp_path, "score") == {node.node_id: 1 for node in scorers}
    assert len(worked(tmp_path)) == 48, "some batch was worked twice"


def test_a_pool_grows_while_batches_wait_for_it_and_not_further(
    cluster: Any, nodes: Nodes, tmp_path: Path
) -> None:
    nodes.add({"num_cpus": 4})
    speak = Watched(
        str(tmp_path),
        "speak",
        Resources(num_cpus=1, batch_size=ROWS_A_BATCH, concurrency=1, max_workers=3),
        seconds=0.2,
    )
    rows = requests(40)
    texts = texts_of(engine(cluster).run(pipeline(speak), rows))
    assert sorted(texts) == rows["text"].to_pylist()
    assert sum(loads(tmp_path, "speak").values()) == 3
    assert len({seen.process for seen in worked(tmp_path)}) == 3


def test_a_node_that_vanishes_and_one_that_comes_lose_and_double_no_row(
    cluster: Any, nodes: Nodes, tmp_path: Path
) -> None:
    lost, _ = nodes.add(TEACHER_NODE, 2)
    nodes.add(SCORER_NODE)
    of_teachers = {"teacher_card": 1.0}
    speak = Watched(
        str(tmp_path),
        "speak",
        Resources(num_gpus=1, batch_size=ROWS_A_BATCH, concurrency=2, custom_resources=of_teachers),
        seconds=0.02,
        payload=MEGABYTE // ROWS_A_BATCH,
    )
    score = Watched(
        str(tmp_path),
        "score",
        Resources(batch_size=ROWS_A_BATCH, custom_resources={"scorer_card": 1}),
        seconds=0.1,
    )
    rows = requests(80)
    run = engine(cluster, in_flight_bytes=8 * MEGABYTE).run(pipeline(speak, score), rows)
    texts = [text for _ in range(15) for text in next(run)["text"].to_pylist()]
    batches = Counter(seen.stage for seen in worked(tmp_path))
    # Back-pressure: what waits between the stages, and what each worker has in hand.
    assert batches["speak"] - batches["score"] <= 8 + 2 * 2
    nodes.lose(lost)
    (successor,) = nodes.add(TEACHER_NODE)
    texts += texts_of(run)
    assert sorted(texts) == rows["text"].to_pylist()
    assert loads(tmp_path, "speak")[successor.node_id] == 1, "the pool has not moved"
    assert set(loads(tmp_path, "speak").values()) == {1}
    # What the lost worker had in hand, and what lay finished on its node.
    assert worked_again(tmp_path, "speak") <= 1 + 8
    assert worked_again(tmp_path, "score") == 0


def test_what_no_node_has_is_refused_or_waited_for(
    cluster: Any, nodes: Nodes, tmp_path: Path
) -> None:
    on_a_card = Resources(batch_size=ROWS_A_BATCH, custom_resources={"teacher_card": 1})
    speak = pipeline(Watched(str(tmp_path), "speak", on_a_card))
    rows = requests(2)
    with pytest.raises(UsageError, match="stage 'speak' needs 1 teacher_card, which none of"):
        engine(cluster).run(speak, rows)
    grows = {"autoscaling": True, "stalled_s": 2.0}
    with pytest.raises(LauterError, match="nothing moved in Ray for 2 s: its nodes have no room"):
        texts_of(engine(cluster, **grows).run(speak, rows))
    run = engine(cluster, autoscaling=True).run(speak, rows)
    with ThreadPoolExecutor(1) as thread:
        texts = thread.submit(texts_of, run)
        nodes.add(TEACHER_NODE)
        assert sorted(texts.result()) == rows["text"].to_pylist()


def loads(folder: Path, stage: str) -> Counter[str]:
    """How often a stage was loaded on each node."""
    return Counter(seen.node for seen in loaded(folder) if seen.stage == stage)
