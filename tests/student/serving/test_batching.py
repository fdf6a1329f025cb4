"""Rows that come and go say what they would have said alone."""

import time
from collections import defaultdict
from collections.abc import Sequence
from itertools import count

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lauter.datasets.errors import UsageError
from lauter.datasets.layout import END
from lauter.student.generation import Sampling, generate
from lauter.student.model import build
from lauter.student.presets import ModelConfig
from lauter.student.serving.batching import LENGTH, STOP, Batching, Said, Task

SHAPE = ModelConfig(
    vocabulary_size=5440, text_size=272, hidden_size=48, layers=2, heads=6, head_size=8,
    groups=2, ffn_size=96, context=1600,
)  # fmt: skip
# To an untrained model all ids are about as likely, and the last digit of 32 bits, which depends on
# a row's neighbours, would now and then lead a draw to another id.
MODEL = build(SHAPE, seed=3, dtype=torch.float64).eval()
SAMPLING = Sampling(temperature=0.8, top_p=0.9, max_codes=60)


def prompt(length: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(16, 272, length)


def task(number: int, *, length: int = 20, max_ids: int = 61, **more: object) -> Task:
    given = {"sampling": SAMPLING, "seed": number} | more
    return Task(f"task {number}", prompt(length, number), max_ids=max_ids, **given)


def alone(one: Task) -> list[int]:
    """Return what the plain loop says to a task, with its end where it is reached."""
    (said,) = generate(
        MODEL, [one.prompt], SHAPE.vocabulary, SAMPLING, seeds=[one.seed],
        limits=[(one.max_ids - 1)],
    )  # fmt: skip
    ids = SHAPE.vocabulary.ids_of(said.codes).tolist()
    return [*ids, END] if said.ended else ids


def run(batching: Batching, arrivals: Sequence[Sequence[Task]]) -> dict[str, list[Said]]:
    """Add each step's arrivals and go on until all is said."""
    said: dict[str, list[Said]] = defaultdict(list)
    coming = list(arrivals)
    while coming or batching.live or batching.waiting:
        for one in coming.pop(0) if coming else ():
            batching.add(one)
        for each in batching.step():
            said[each.key].append(each)
    return said


@settings(max_examples=8)
@given(
    st.lists(st.lists(st.integers(1, 90), max_size=3), min_size=1, max_size=6),
    st.integers(1, 4),
)
def test_rows_that_come_and_go_say_what_they_would_say_alone(
    arrivals: list[list[int]], places: int
) -> None:
    numbers = iter(range(100))
    tasks = [[task(next(numbers), length=length) for length in each] for each in arrivals]
    said = run(Batching(MODEL, rows=places, prefill_ids=100), tasks)
    for one in (each for some in tasks for each in some):
        ids = [each.id for each in said[one.key]]
        assert ids[: 60 if ids[-1] != END else None] == alone(one)
        assert [each.finish for each in said[one.key]][:-1] == [None] * (len(ids) - 1)


def test_a_row_of_a_thousand_ids_outlives_many_short_ones() -> None:
    long = task(0, length=300, max_ids=900, sampling=Sampling(temperature=0.8, max_codes=899))
    short = [[task(number, length=5, max_ids=11)] for number in range(1, 60)]
    batching = Batching(MODEL, rows=3)
    said = run(batching, [[long], *short])
    (expected,) = generate(
        MODEL, [long.prompt], SHAPE.vocabulary, long.sampling, seeds=[0], limits=[899]
    )
    ids = [each.id for each in said[long.key]]
    codes = SHAPE.vocabulary.codes_of(ids[: len(expected.codes)])
    assert codes.tolist() == expected.codes.tolist()
    assert len(said) == 60


def test_at_most_so_many_rows_are_live_and_the_others_wait() -> None:
    batching = Batching(MODEL, rows=2)
    for number in range(5):
        batching.add(task(number))
    batching.step()
    assert (batching.live, batching.waiting) == (2, 3)


def test_a_cancelled_task_frees_its_place_and_disturbs_nobody() -> None:
    batching = Batching(MODEL, rows=3)
    tasks = [task(number) for number in range(4)]
    for one in tasks:
        batching.add(one)
    said: dict[str, list[int]] = defaultdict(list)
    for step in range(200):
        if step == 5:
            assert batching.cancel("task 0")
        for each in batching.step():
            said[each.key].append(each.id)
    assert not batching.cancel("task 0")
    assert len(said["task 0"]) == 5
    for one in tasks[1:]:
        assert said[one.key][:60] == alone(one)[:60]
    assert (batching.live, batching.waiting) == (0, 0)


def test_a_task_that_waits_can_be_cancelled() -> None:
    batching = Batching(MODEL, rows=1)
    batching.add(task(0))
    batching.add(task(1))
    batching.step()
    assert batching.cancel("task 1")
    assert batching.waiting == 0


def test_every_answer_ends_with_its_reason() -> None:
    said = run(Batching(MODEL, rows=2), [[task(0, max_ids=7)]])["task 0"]
    assert [each.finish for each in said] == [None] * 6 + [LENGTH]
    likely = said[0].id
    stopping = task(0, stop_ids=frozenset({likely}))
    assert [each.finish for each in run(Batching(MODEL, rows=2), [[stopping]])["task 0"]] == [STOP]


def test_the_likeliest_ids_are_those_of_the_model_alone() -> None:
    one = task(0, max_ids=6, top=5)
    said = run(Batching(MODEL, rows=3), [[task(1), one], [task(2)]])[one.key]
    ids = torch.tensor([*one.prompt.tolist(), *(each.id for each in said)])
    with torch.inference_mode():
        expected = MODEL(ids[None])[0, len(one.prompt) - 1 : -1].log_softmax(1).topk(5)
    for each, ids_there, values in zip(said, expected.indices, expected.values, strict=True):
        assert list(each.top or ()) == ids_there.tolist()
        assert list((each.top or {}).values()) == pytest.approx(values.tolist(), abs=1e-4)


def test_unconstrained_rows_may_say_anything() -> None:
    free = Sampling(temperature=5.0, top_p=1.0, constrained=False)
    one = task(0, max_ids=400, sampling=free, stop_ids=frozenset())
    said = run(Batching(MODEL, rows=1), [[one]])[one.key]
    assert len(said) == 400
    assert any(each.id < SHAPE.text_size for each in said)


def test_a_steps_time_is_shared_equally_by_the_rows_that_are_spoken_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time, "perf_counter", count(step=6).__next__)
    batching = Batching(MODEL, rows=3)
    batching.add(task(0, max_ids=2))
    batching.add(task(1, max_ids=3))
    assert [[each.seconds for each in batching.step()] for _ in range(4)] == [
        [3.0, 3.0],
        [3.0, 3.0],
        [6.0],
        [],
    ]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (task(0, max_ids=1600), "shorten the prompt"),
        (task(0, max_ids=0), "ask for 1 or more"),
        (Task("a", np.array([5440]), SAMPLING, 0, 10), "knows 0 to 5439"),
        (Task("a", np.array([], np.int64), SAMPLING, 0, 10), "empty"),
    ],
)
def test_a_task_that_cannot_be_is_refused_with_a_sentence(wrong: Task, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        Batching(MODEL, rows=1).add(wrong)


def test_memory_does_not_grow_with_the_number_of_tasks() -> None:
    batching = Batching(MODEL, rows=4)
    for number in range(120):
        batching.add(task(number, length=40))
    sizes = set()
    while batching.live or batching.waiting:
        batching.step()
        sizes.add(batching.cache_bytes)
    assert len(sizes) == 1
