"""The thread that keeps a batch running."""

import queue
import threading
import time

import pytest
from taught_student import SHAPE

from lauter.datasets.errors import UsageError
from lauter.student.generation import Sampling
from lauter.student.model import build
from lauter.student.serving.batching import Batching, Said, Task
from lauter.student.serving.engine import BusyError, EndedError, Engine

MODEL = build(SHAPE, seed=3).eval()
FREE = Sampling(temperature=1.0, top_p=1.0, constrained=False)


def task(name: str, max_ids: int = 20) -> Task:
    import numpy as np

    return Task(name, np.arange(20, 40), FREE, 1, max_ids, frozenset())


@pytest.fixture
def engine():
    made = Engine(Batching(MODEL, rows=2), most_waiting=3)
    yield made
    made.close()


def heard(told: "queue.SimpleQueue[Said | Exception]") -> list[Said | Exception]:
    found = [told.get(timeout=60)]
    while isinstance(found[-1], Said) and not found[-1].finish:
        found.append(told.get(timeout=60))
    return found


def test_a_task_is_told_id_by_id_to_whoever_asked(engine: Engine) -> None:
    told: queue.SimpleQueue[Said | Exception] = queue.SimpleQueue()
    engine.submit([task("a")], told.put)
    assert len(heard(told)) == 20
    load = engine.load()
    assert (load.live, load.waiting, load.finished, load.tokens) == (0, 0, 1, 20)


def held_up(engine: Engine) -> threading.Event:
    """Let one row run and hold the engine's thread in it until the event is set."""
    goes_on, begun = threading.Event(), threading.Event()

    def wait(said: object) -> None:
        begun.set()
        goes_on.wait(60)

    engine.submit([task("holds", 3)], wait)
    assert begun.wait(60)
    return goes_on


def test_a_full_queue_refuses_all_or_nothing(engine: Engine) -> None:
    goes_on = held_up(engine)
    told: queue.SimpleQueue[Said | Exception] = queue.SimpleQueue()
    engine.submit([task("a"), task("b"), task("x")], told.put)
    with pytest.raises(BusyError, match="ask again later"):
        engine.submit([task("c"), task("d")], told.put)
    engine.submit([task("e")], told.put)
    goes_on.set()
    keys = {one.key for _ in range(4) for one in heard(told) if isinstance(one, Said)}
    assert keys == {"a", "b", "x", "e"}


def test_what_is_cancelled_is_not_told_and_leaves_no_row(engine: Engine) -> None:
    goes_on = held_up(engine)
    told: queue.SimpleQueue[Said | Exception] = queue.SimpleQueue()
    engine.submit([task("a", 300), task("b", 5)], told.put)
    engine.cancel(["a", "never there"])
    goes_on.set()
    assert {one.key for one in heard(told) if isinstance(one, Said)} == {"b"}
    while (load := engine.load()).live or load.waiting:
        time.sleep(0.001)
    assert load.cancelled == 1


def test_what_can_never_find_room_is_refused_for_good(engine: Engine) -> None:
    with pytest.raises(UsageError, match="room for 5"):
        engine.submit([task(str(number)) for number in range(6)], lambda said: None)


def test_a_crowd_that_finds_free_rows_needs_no_queue(engine: Engine) -> None:
    told: queue.SimpleQueue[Said | Exception] = queue.SimpleQueue()
    engine.submit([task(str(number)) for number in range(5)], told.put)
    assert len([one for _ in range(5) for one in heard(told)]) == 100


def test_who_waits_when_it_ends_is_told_so() -> None:
    engine = Engine(Batching(MODEL, rows=1))
    told: queue.SimpleQueue[Said | Exception] = queue.SimpleQueue()
    goes_on = held_up(engine)
    engine.submit([task("a", 300)], told.put)
    threading.Thread(target=goes_on.set).start()
    engine.close()
    assert isinstance(heard(told)[-1], EndedError)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_engine_whose_step_goes_wrong_says_so_and_takes_no_more(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise MemoryError("no memory is left")

    told: queue.SimpleQueue[Said | Exception] = queue.SimpleQueue()
    monkeypatch.setattr(engine._batching, "step", fail)
    # Asked again in the very moment in which it tells, while its thread still runs.
    refused: list[BaseException] = []

    def ask_again(said: Said | Exception) -> None:
        try:
            engine.submit([task("b")], told.put)
        except EndedError as error:
            refused.append(error)
        told.put(said)

    engine.submit([task("a")], ask_again)
    assert isinstance(told.get(timeout=60), MemoryError)
    assert len(refused) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_who_started_an_engine_is_told_that_it_fell_over(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise MemoryError("no memory is left")

    broken = threading.Event()
    engine.on_broken = broken.set
    monkeypatch.setattr(engine._batching, "step", fail)
    engine.submit([task("a")], lambda said: None)
    assert broken.wait(60)


def test_a_task_that_the_model_cannot_take_is_refused_before_it_waits(engine: Engine) -> None:
    with pytest.raises(UsageError, match="context"):
        engine.submit([task("a", 10_000)], lambda said: None)
    assert engine.load().waiting == 0
