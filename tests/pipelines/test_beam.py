"""Beam's own: processes and threads that share models, tagged dead letters, a scratch folder."""

import os
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import apache_beam as beam
import pyarrow as pa
import pytest
from apache_beam.testing.util import assert_that, equal_to
from hypothesis import given
from hypothesis import strategies as st
from picky_stage import Picky
from s3_server import S3Server, s3_server
from scripted_requests import scripted_requests
from scripted_teacher import ScriptedTeacher
from watched_stage import Watched, loaded, worked

from lauter.datasets.errors import UsageError
from lauter.pipelines.engines import beam as engines_beam
from lauter.pipelines.engines.beam import BeamEngine, fresh_rows
from lauter.pipelines.engines.beam_transforms import RunPipeline, put_pipeline
from lauter.pipelines.engines.scratch import Scratch, batches_of, to_bytes
from lauter.pipelines.speak import Speak
from lauter.pipelines.stage import Pipeline, Resources

TEXTS = [f"row {number:03d}" for number in range(96)]


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with s3_server() as made:
        yield made


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Worker processes find the tests' own stages."""
    support = Path(__file__).parent.parent / "support"
    monkeypatch.setenv("PYTHONPATH", str(support))


def pipeline(folder: Path, batches_at_once: int = 1) -> Pipeline:
    needs = Resources(batch_size=4, batches_at_once=batches_at_once)
    stages = tuple(
        Watched(str(folder), name, needs, seconds=0.01, together=batches_at_once)
        for name in ("speak", "score")
    )
    return Pipeline(scripted_requests([]).schema, stages)


def texts_of(batches: Iterator[pa.RecordBatch]) -> list[str]:
    return sorted(text for batch in batches for text in batch["text"].to_pylist())


@pytest.mark.slow
def test_several_workers_are_processes_that_load_once(importable: None, tmp_path: Path) -> None:
    run = BeamEngine(workers=2).run(pipeline(tmp_path), scripted_requests(TEXTS))
    assert texts_of(run) == TEXTS
    at_work = {seen.process for seen in worked(tmp_path)}
    assert len(at_work) == 2 and str(os.getpid()) not in at_work
    loads = Counter((seen.stage, seen.process) for seen in loaded(tmp_path))
    assert set(loads.values()) == {1} and len(loads) == 4


@pytest.mark.slow
@pytest.mark.parametrize("batches_at_once", [1, 2])
def test_threads_share_one_set_of_models_and_take_turns_at_it(
    batches_at_once: int, tmp_path: Path
) -> None:
    threads = BeamEngine(
        options={"direct_num_workers": 3, "direct_running_mode": "multi_threading"}
    )
    stages = pipeline(tmp_path, batches_at_once)
    batches = list(threads.run(stages, scripted_requests(TEXTS)))
    assert texts_of(iter(batches)) == TEXTS
    assert all(batch["score"].null_count == 0 for batch in batches)
    assert Counter(seen.stage for seen in loaded(tmp_path)) == {"speak": 1, "score": 1}


def test_finished_batches_come_while_the_job_is_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines_beam, "LONGEST_PAUSE_S", 0.05)
    run = BeamEngine().run(pipeline(tmp_path), scripted_requests(TEXTS))
    first = next(run)
    assert len(worked(tmp_path)) < 2 * len(TEXTS) // 4
    assert texts_of(iter([first, *run])) == TEXTS


@given(st.lists(st.lists(st.integers(0, 9), unique=True, min_size=1), max_size=6))
def test_what_a_repeated_bundle_gives_again_is_taken_once(bundles: list[list[int]]) -> None:
    taken: set[str] = set()
    fresh = [
        row
        for numbers in bundles
        for row in fresh_rows(
            pa.RecordBatch.from_pydict({"request_id": [str(number) for number in numbers]}), taken
        )["request_id"].to_pylist()
    ]
    assert sorted(fresh) == sorted({str(number) for numbers in bundles for number in numbers})


def test_dead_letters_are_a_tagged_output(tmp_path: Path) -> None:
    requests = scripted_requests(["sound", "raise an error", "sound too"])
    speak = Speak(partial(ScriptedTeacher, str(tmp_path)))
    scratch = Scratch(str(tmp_path / "scratch"))
    scratch.create()
    put_pipeline(scratch, Pipeline(requests.schema, (speak, Picky())))
    with beam.Pipeline(runner="FnApiRunner") as job:
        batches = job | beam.Create([to_bytes(*requests.to_batches())])
        finished = batches | RunPipeline(scratch, ["speak", "picky"])
        assert_that(
            finished.done | "done" >> beam.FlatMap(texts_and_errors),
            equal_to([("sound", None), ("sound too", None)]),
            label="sound rows go on",
        )
        error = "the stage 'picky' failed: ValueError: not 'raise an error'"
        assert_that(
            finished.dead_letters | "dead" >> beam.FlatMap(texts_and_errors),
            equal_to([("raise an error", error)]),
            label="the others are tagged",
        )


def texts_and_errors(element: bytes) -> list[tuple[str, str | None]]:
    rows = [row for batch in batches_of(element) for row in batch.to_pylist()]
    return [(row["text"], row["error"]) for row in rows]


@pytest.mark.slow
def test_workers_and_driver_meet_in_a_bucket(
    importable: None, server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    bucket = server.make_bucket()
    engine = BeamEngine(workers=2, scratch_folder=f"{bucket}/scratch")
    assert texts_of(engine.run(pipeline(tmp_path), scripted_requests(TEXTS))) == TEXTS
    assert Scratch(f"{bucket}/scratch").names() == []


@pytest.mark.slow
def test_a_folder_that_workers_do_not_reach_is_a_sentence(importable: None, tmp_path: Path) -> None:
    alone = BeamEngine(workers=2, scratch_folder="memory://only-in-this-process")
    with pytest.raises(UsageError, match=r"a folder that this machine and all workers reach"):
        list(alone.run(pipeline(tmp_path), scripted_requests(TEXTS)))
