"""Each engine gives every row back once, whatever happens to its workers."""

import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest
from picky_stage import Picky
from scripted_requests import scripted_requests
from scripted_teacher import (
    ScriptedTeacher,
    count_calls,
    deadly_teacher,
    unopenable_teacher,
)

from lauter.datasets.errors import LauterError, UsageError
from lauter.pipelines.engines.beam import BeamEngine
from lauter.pipelines.engines.inline import InlineEngine
from lauter.pipelines.engines.protocol import Engine
from lauter.pipelines.engines.ray import RayEngine
from lauter.pipelines.speak import Speak
from lauter.pipelines.stage import Pipeline, Resources, Stage

TEXTS = [f"line number {number}" for number in range(23)]


def speaking(
    folder: Path, then: Stage | None = None, batches_at_once: int = 1, **options: object
) -> Pipeline:
    speak = Speak(
        partial(ScriptedTeacher, str(folder)),
        Resources(batch_size=4, batches_at_once=batches_at_once),
        back_off_s=0.001,
        **options,  # type: ignore[arg-type]
    )
    return Pipeline(scripted_requests([]).schema, (speak, then) if then else (speak,))


def rows_of(batches: Iterator[pa.RecordBatch]) -> dict[str, dict[str, object]]:
    rows = [row for batch in batches for row in batch.to_pylist()]
    by_text = {row["text"]: row for row in rows}
    assert len(by_text) == len(rows), "a row came twice"
    return by_text


ENGINES = [
    pytest.param(InlineEngine(), id="inline"),
    pytest.param(InlineEngine(workers=2), id="inline-2-workers"),
    pytest.param(RayEngine(num_cpus=4), id="ray", marks=pytest.mark.slow),
    pytest.param(BeamEngine(), id="beam", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("engine", ENGINES)
def test_every_row_comes_back_once_and_the_failing_ones_say_why(
    engine: Engine, tmp_path: Path
) -> None:
    texts = [*TEXTS, "fail always"]
    pipeline = speaking(tmp_path, attempts=2)
    rows = rows_of(engine.run(pipeline, scripted_requests(texts)))
    assert set(rows) == set(texts)
    assert rows["fail always"]["error_kind"] == "failed"
    assert all(rows[text]["audio"] for text in TEXTS)
    assert count_calls(tmp_path)[str(rows[TEXTS[0]]["request_id"])] == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_a_row_that_a_stage_raises_for_is_a_dead_letter_and_its_neighbours_are_not(
    engine: Engine, tmp_path: Path
) -> None:
    texts = [*TEXTS, "raise for this", "and this is sound"]
    rows = rows_of(engine.run(speaking(tmp_path, then=Picky()), scripted_requests(texts)))
    assert set(rows) == set(texts)
    letter = rows.pop("raise for this")
    assert letter["error_kind"] == "failed"
    assert letter["error"] == "the stage 'picky' failed: ValueError: not 'raise for this'"
    assert letter["audio"] is None and letter["seen"] is None
    assert all(row["audio"] and row["seen"] and not row["error_kind"] for row in rows.values())


@pytest.mark.parametrize("engine", ENGINES)
def test_what_the_caller_got_wrong_ends_the_run_from_within_a_stage(
    engine: Engine, tmp_path: Path
) -> None:
    texts = [*TEXTS, "misuse"]
    with pytest.raises(UsageError, match=r"^this cannot be asked; ask another thing$"):
        list(engine.run(speaking(tmp_path, then=Picky()), scripted_requests(texts)))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_stage_that_fails_on_everything_ends_the_run(engine: Engine, tmp_path: Path) -> None:
    texts = [f"raise {number}" for number in range(40)]
    with pytest.raises(
        LauterError, match=r"'picky' failed on each of the first \d+ rows of a worker"
    ):
        list(engine.run(speaking(tmp_path, then=Picky()), scripted_requests(texts)))


@pytest.mark.parametrize("engine", ENGINES)
def test_nothing_to_do_is_done_at_once(engine: Engine, tmp_path: Path) -> None:
    assert rows_of(engine.run(speaking(tmp_path), scripted_requests([]))) == {}


@pytest.mark.parametrize(
    ("engine", "sentence"),
    [
        pytest.param(InlineEngine(workers=2), "the worker died (exit status 11)", id="inline"),
        pytest.param(RayEngine(num_cpus=4), "the worker died", id="ray", marks=pytest.mark.slow),
    ],
)
def test_a_row_that_kills_its_worker_becomes_a_dead_letter(
    engine: Engine, sentence: str, tmp_path: Path
) -> None:
    texts = [*TEXTS, "crash", "another line"]
    rows = rows_of(engine.run(speaking(tmp_path), scripted_requests(texts)))
    assert set(rows) == set(texts)
    assert rows["crash"]["error_kind"] == "crashed"
    assert sentence in str(rows["crash"]["error"])
    assert all(rows[text]["audio"] for text in texts if text != "crash")


@pytest.mark.slow
def test_what_is_under_way_beside_a_row_that_kills_is_not_blamed_for_it(tmp_path: Path) -> None:
    texts = [*TEXTS, "crash", "crash again"]
    engine = RayEngine(num_cpus=4)
    run = engine.run(speaking(tmp_path, batches_at_once=3), scripted_requests(texts))
    rows = rows_of(run)
    assert {text for text in texts if not rows[text]["audio"]} == {"crash", "crash again"}


@pytest.mark.parametrize("workers", [0, 2])
def test_a_teacher_that_cannot_open_is_a_sentence(workers: int) -> None:
    pipeline = Pipeline(scripted_requests([]).schema, (Speak(unopenable_teacher, Resources()),))
    with pytest.raises(LauterError, match="the weights are not here; install them"):
        list(InlineEngine(workers=workers).run(pipeline, scripted_requests(TEXTS)))


@pytest.mark.slow
@pytest.mark.parametrize("engine", [RayEngine(num_cpus=4), BeamEngine()], ids=["ray", "beam"])
def test_what_a_worker_elsewhere_says_arrives_as_its_sentence(engine: Engine) -> None:
    pipeline = Pipeline(scripted_requests([]).schema, (Speak(unopenable_teacher, Resources()),))
    with pytest.raises(UsageError, match=r"^the weights are not here; install them$"):
        list(engine.run(pipeline, scripted_requests(TEXTS)))


def test_workers_that_die_while_loading_are_a_sentence() -> None:
    pipeline = Pipeline(scripted_requests([]).schema, (Speak(deadly_teacher, Resources()),))
    with pytest.raises(LauterError, match=r"died .* \(exit status 7\) while they loaded"):
        list(InlineEngine(workers=2).run(pipeline, scripted_requests(TEXTS)))


def test_workers_killed_behind_the_drivers_back_lose_and_double_nothing(tmp_path: Path) -> None:
    import psutil

    run = InlineEngine(workers=2).run(speaking(tmp_path), scripted_requests(TEXTS))
    rows = next(run).to_pylist()
    time.sleep(0.5)  # by now answers wait in the pipes of idle workers
    for child in psutil.Process().children(recursive=True):
        if "spawn_main" in " ".join(child.cmdline()):
            child.kill()
    rows += [row for batch in run for row in batch.to_pylist()]
    assert sorted(row["text"] for row in rows) == sorted(TEXTS)
    assert all(row["audio"] for row in rows)


def test_an_abandoned_run_leaves_no_worker_behind(tmp_path: Path) -> None:
    import psutil

    before = {child.pid for child in psutil.Process().children(recursive=True)}
    run = InlineEngine(workers=2).run(speaking(tmp_path), scripted_requests(TEXTS))
    next(run)
    run.close()  # type: ignore[attr-defined]
    children = psutil.Process().children(recursive=True)
    left = {child.pid for child in children if "spawn_main" in " ".join(child.cmdline())} - before
    assert not left


@pytest.mark.slow
def test_pools_that_ray_has_no_room_for_are_refused_with_the_number_that_would_do(
    tmp_path: Path,
) -> None:
    stage = Speak(partial(ScriptedTeacher, str(tmp_path)), Resources(num_cpus=1, concurrency=99))
    pipeline = Pipeline(scripted_requests([]).schema, (stage,))
    with pytest.raises(UsageError, match=r"ask for 99 of Ray's 4 CPU.* set engine\.num_cpus=99"):
        RayEngine(num_cpus=4).run(pipeline, scripted_requests(TEXTS))


@pytest.mark.slow
def test_inside_a_ray_worker_import_datasets_is_hugging_faces() -> None:
    import ray

    if not ray.is_initialized():
        RayEngine(num_cpus=4).start()

    @ray.remote
    def where() -> str:
        import datasets

        return str(datasets.__file__)

    assert "site-packages" in ray.get(where.remote())


def test_what_teachers_hold_is_let_go_of_when_a_run_is_over(tmp_path: Path) -> None:
    closed = threading.Event()

    class Holder(ScriptedTeacher):
        def close(self) -> None:
            closed.set()

    pipeline = Pipeline(
        scripted_requests([]).schema, (Speak(partial(Holder, str(tmp_path)), Resources()),)
    )
    assert len(rows_of(InlineEngine().run(pipeline, scripted_requests(TEXTS)))) == len(TEXTS)
    assert closed.wait(60)
