"""Replicas on a cluster of simulated nodes with pretended GPUs: placed, lost, and come again."""

import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from asking import write_lines
from pool_worker import PoolWorker
from taught_student import SHAPE, TAUGHT, write_taught_student, write_untrained_codec

from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import LauterError, UsageError
from lauter.orchestration.command import run
from lauter.pipelines.engines.ray import RayEngine
from lauter.pipelines.local_completer import LocalCompleter
from lauter.pipelines.ray_completer import RayCompleter
from lauter.pipelines.ray_dispatch import Standing
from lauter.pipelines.ray_replica import Needs
from lauter.student.checkpoint import save_model
from lauter.student.model import build
from lauter.teacher.step_audio.completion import Completed, CompletionError, CompletionRequest

SAMPLING = {"temperature": 1.0, "top_p": 1.0, "constrained": False}
GREEDY = {"temperature": 0.0}
SAID = {text: codes.tolist() for text, codes in TAUGHT.items()}
CARDS = {"num_cpus": 2, "num_gpus": 2}
OF_A_RANK = {"num_cpus": 0.5, "num_gpus": 1.0, "device": "cpu"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model in 64 bits, in which no rounding leads a draw to another id."""
    place = tmp_path_factory.mktemp("ray") / "model"
    save_model(build(SHAPE, seed=3, dtype=torch.float64), place, {})
    return place


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head node without cards, and none beside it."""
    import ray
    from ray.cluster_utils import Cluster

    ray.shutdown()
    health = {
        "health_check_initial_delay_ms": 0,
        "health_check_period_ms": 250,
        "health_check_timeout_ms": 1000,
        "health_check_failure_threshold": 10,
    }
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "_system_config": health})
    RayEngine(address=made.address).start()
    yield made
    ray.shutdown()
    made.shutdown()


def requests(count: int, max_tokens: int = 60) -> list[CompletionRequest]:
    return [
        CompletionRequest(f"r{number}", np.arange(20, 40 + number), number, max_tokens, (), 2)
        for number in range(count)
    ]


def until(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.05)


def in_service(completer: RayCompleter) -> list[Standing]:
    return [one for one in completer.standings() if one.state == "in service"]


def check_answers(
    folder: Path, asked: list[CompletionRequest], answers: list[Completed | CompletionError]
) -> Counter[str]:
    """Hold answers against those of the model in one piece; return how many attempts went how."""
    local = LocalCompleter(folder, sampling=SAMPLING)
    for ours, theirs in zip(answers, local.complete(asked), strict=True):
        assert isinstance(ours, Completed) and isinstance(theirs, Completed)
        assert ours.ids.tolist() == theirs.ids.tolist()
        for one, another in zip(ours.top, theirs.top, strict=True):
            assert one == pytest.approx(another, abs=1e-4)
        assert [one.outcome for one in ours.attempts][-1] == "ok"
        assert ours.device_s > 0
    local.close()
    return Counter(one.outcome for answer in answers for one in answer.attempts)


@pytest.mark.slow
def test_a_rank_and_a_node_that_die_cost_no_answer_and_their_replica_comes_again(
    cluster: Any, folder: Path
) -> None:
    import ray

    nodes = [cluster.add_node(**CARDS, wait=False) for _ in range(2)]
    cluster.wait_for_nodes()
    completer = RayCompleter(
        folder, replicas=2, tensor_parallel=2, rows=2, sampling=SAMPLING, **OF_A_RANK
    )
    assert completer.standings() == ()
    asked = requests(16)
    with ThreadPoolExecutor(1) as pool:
        answers = pool.submit(completer.complete, asked)
        until(lambda: len(in_service(completer)) == 2)
        assert sorted(one.nodes for one in in_service(completer)) == sorted(
            (node.node_id,) for node in nodes
        )
        until(lambda: all(one.in_flight == 3 for one in completer.standings()))
        os.kill(a_process_of("Follower"), signal.SIGKILL)
        outcomes = check_answers(folder, asked, answers.result())
        assert outcomes["ok"] == 16 and 1 <= outcomes["died"] <= 3
        until(lambda: len(in_service(completer)) == 2)
        assert sorted(one.starts for one in completer.standings()) == [1, 2]
        assert all(one.cold_start.loaded_s > 0 for one in completer.standings())
        # A node goes, with all that is on it, and another one comes.
        answers = pool.submit(completer.complete, asked)
        until(lambda: all(one.in_flight == 3 for one in completer.standings()))
        cluster.remove_node(nodes[0], allow_graceful=False)
        outcomes = check_answers(folder, asked, answers.result())
        assert outcomes["ok"] == 16 and 1 <= outcomes["died"] <= 3
        assert len(in_service(completer)) == 1
        successor = cluster.add_node(**CARDS)
        until(lambda: len(in_service(completer)) == 2)
        assert (successor.node_id,) in [one.nodes for one in in_service(completer)]
    completer.close()
    with pytest.raises(LauterError, match="closed"):
        completer.complete(asked)
    until(lambda: ray.available_resources().get("GPU") == 4)


@pytest.fixture
def student(tmp_path: Path) -> Path:
    codec = write_untrained_codec(tmp_path / "codec")
    cells = [{"language": "en", "dialect": "en-US", "emotion": "neutral"}]
    return write_taught_student(tmp_path / "student", codec, cells=cells)


@pytest.mark.slow
def test_the_place_of_a_worker_that_is_gone_is_taken_over(cluster: Any, folder: Path) -> None:
    import ray

    card = cluster.add_node(num_cpus=1, resources={"pool": 1})
    settings = {"sampling": SAMPLING, "custom_resources": {"pool": 1}} | OF_A_RANK | {"num_gpus": 0}
    asked = requests(3)
    open_completer = partial(RayCompleter, folder, **settings)
    worker = ray.remote(PoolWorker).options(num_cpus=0).remote(open_completer)
    assert check_answers(folder, asked, ray.get(worker.complete.remote(asked))) == {"ok": 3}
    ray.kill(worker)
    # There is room for one replica, and Ray keeps a group for as long as this process lives.
    successor = open_completer()
    assert check_answers(folder, asked, successor.complete(asked)) == {"ok": 3}
    successor.close()
    cluster.remove_node(card)


@pytest.mark.slow
def test_replicas_that_are_kept_are_loaded_once_for_all_workers(cluster: Any, folder: Path) -> None:
    import ray

    card = cluster.add_node(num_cpus=1, resources={"kept": 1})
    settings = {"sampling": SAMPLING, "custom_resources": {"kept": 1}} | OF_A_RANK | {"num_gpus": 0}
    open_completer = partial(RayCompleter, folder, **settings)
    asked = requests(3)
    keeper = open_completer()
    keeper.keep()
    assert keeper.standings() == ()
    # Two workers at a time, then one that comes when these are gone.
    pool = [ray.remote(PoolWorker).options(num_cpus=0).remote(open_completer) for _ in range(2)]
    for answers in ray.get([worker.complete.remote(asked) for worker in pool]):
        assert check_answers(folder, asked, answers) == {"ok": 3}
    for worker in pool:
        ray.kill(worker)
    late = ray.remote(PoolWorker).options(num_cpus=0).remote(open_completer)
    assert check_answers(folder, asked, ray.get(late.complete.remote(asked))) == {"ok": 3}
    assert [(one.state, one.starts) for one in keeper.standings()] == [("in service", 1)]
    # Its process dies, and comes again: all are asked for once more, and nobody is told.
    os.kill(a_process_of("Host"), signal.SIGKILL)
    assert check_answers(folder, asked, keeper.complete(asked)) == {"ok": 3}
    assert check_answers(folder, asked, ray.get(late.complete.remote(asked))) == {"ok": 3}
    keeper.close()
    until(lambda: ray.available_resources().get("kept") == 1)
    with pytest.raises(LauterError, match="nobody looks after the replicas any more"):
        ray.get(late.complete.remote(asked))
    cluster.remove_node(card)


@pytest.mark.slow
def test_the_command_speaks_with_replicas_that_its_process_asks(
    cluster: Any, student: Path, tmp_path: Path
) -> None:
    card = cluster.add_node(num_cpus=1, resources={"thread": 1})
    texts = write_lines(tmp_path / "texts.jsonl", [{"text": t, "language": "en"} for t in TAUGHT])
    # The voices' references are spoken first, by a teacher of their own, and there is room for one.
    code = run([
        "synthesize", "engine.workers=0", "teacher=ray_actors", "teacher.layout=student",
        f"teacher.student={student}", "teacher.completer.device=cpu",
        "teacher.completer.num_cpus=0.5", "teacher.completer.num_gpus=0",
        "+teacher.completer.custom_resources={thread: 1}",
        "teacher.completer.sampling.temperature=0", "teacher.completer.sampling.constrained=true",
        f"corpus={tmp_path / 'corpus'}", f"codec.folder={tmp_path / 'codec'}",
        "filters=fast", "policy=permissive", "prompts=file", f"prompts.path={texts}",
        "quotas.dialects=[en-US]", "quotas.manners=[{count: 2}]", "quotas.speakers_per_dialect=1",
    ])  # fmt: skip
    assert code == 0
    rows = [row for batch in Corpus.open(tmp_path / "corpus").scan() for row in batch.to_pylist()]
    assert {row["text"]: row["codes"] for row in rows} == SAID
    cluster.remove_node(card)


@pytest.mark.slow
def test_what_cannot_be_started_is_told_to_each_request(cluster: Any, tmp_path: Path) -> None:
    completer = RayCompleter(tmp_path / "nowhere", num_cpus=0.1, num_gpus=0, device="cpu")
    (answer,) = completer.complete(requests(1))
    assert isinstance(answer, CompletionError)
    assert re.search(r"request r0 has no answer: .*nowhere is no student: it has no", str(answer))
    assert "nowhere is no student" in completer.standings()[0].state
    completer.close()
    with pytest.raises(UsageError, match=r"needs 3 times 1 moon, and Ray's nodes .* room for 0"):
        RayCompleter(
            tmp_path, tensor_parallel=3, num_cpus=0, num_gpus=0, custom_resources={"moon": 1}
        ).complete(requests(1))


def test_a_model_that_cannot_be_split_so_is_told_before_anything_is_started(folder: Path) -> None:
    with pytest.raises(UsageError, match="set tensor_parallel to 1 or 2"):
        RayCompleter(folder, tensor_parallel=3).identity()
    split = RayCompleter(folder, tensor_parallel=2, sampling=SAMPLING)
    assert split.identity() == LocalCompleter(folder).identity()
    assert split.sampling == LocalCompleter(folder, sampling=SAMPLING).sampling
    assert RayCompleter("/far/away/model", checkpoint="c0ffee").identity().checkpoint == "c0ffee"


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"replicas": 0}, "set all of them above zero"),
        ({"tensor_parallel": 0}, "tensor_parallel is 0"),
        ({"num_gpus": 0, "num_cpus": 0}, "must take something of a node"),
        ({"custom_resources": {"card": -1}}, "nothing below zero"),
        ({"sampling": {"top_k": 5}}, "no setting 'top_k'; did you mean top_p"),
        ({"folder": None}, "set teacher.completer.folder"),
    ],
)
def test_settings_that_cannot_be_are_told_at_once(more: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        RayCompleter(**({"folder": "anywhere"} | more))


def test_room_is_counted_over_all_nodes() -> None:
    needs = Needs(3, num_cpus=1, num_gpus=2)
    nodes = [{"CPU": 8, "GPU": 4}, {"CPU": 1, "GPU": 8}, {"CPU": 64}]
    needs.check_room(nodes)
    with pytest.raises(UsageError, match=r"needs 3 times 1 CPU and 2 GPU, .* room for 2 of its 3"):
        needs.check_room(nodes[:1])


def a_process_of(actor: str) -> int:
    """Return the process of an actor of that class."""
    return next(
        one.pid
        for one in psutil.process_iter(["cmdline"])
        if "".join(one.info["cmdline"] or ()).startswith(f"ray::{actor}")
    )
