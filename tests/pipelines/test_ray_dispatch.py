"""Requests among replicas: stand-ins for Ray's actors that answer, die and fail by a script."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lauter.datasets.errors import LauterError, UsageError
from lauter.pipelines import ray_dispatch
from lauter.pipelines.checkpoint_run import CheckpointRun
from lauter.pipelines.completing import Answer
from lauter.pipelines.ray_dispatch import Dispatch
from lauter.pipelines.ray_replica import ColdStart, Needs
from lauter.student.generation import Sampling
from lauter.teacher.step_audio.completion import Completed, CompletionError, CompletionRequest

ROWS = 4
ROOM = 6
RUN = CheckpointRun("anywhere", ROWS, 64, "cpu", "as_stored", Sampling())
NEEDS = Needs(2, 1, 1)


class StandIn:
    """Answers after a turn of the loop, until it has answered ``lives`` times; then it dies."""

    def __init__(self, lives: int = 1000, *, is_mute: bool = False) -> None:
        self.in_flight = 0
        self.most_in_flight = 0
        self.nodes = ("node",)
        self.cold_start = ColdStart(1.0, 2.0)
        self.is_sound = True
        self.is_closed = False
        self.answered: Counter[str] = Counter()
        self.forgotten: list[str] = []
        self._lives = lives
        self._is_mute = is_mute
        self._ended = asyncio.Event()

    async def complete(self, request: CompletionRequest) -> Answer | str:
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await (asyncio.Event().wait() if self._is_mute else asyncio.sleep(0))
        except asyncio.CancelledError:
            self.forgotten.append(request.key)
            raise
        if self._lives == 0:
            self.is_sound = False
            self._ended.set()
            raise ConnectionError("the actor died")
        if request.max_tokens > 99:
            return "it is too long"
        self._lives -= 1
        self.answered[request.key] += 1
        return Answer(np.array([request.seed]), True, None, 0.5)

    async def end(self) -> None:
        await self._ended.wait()

    def close(self) -> None:
        self.is_closed = True


class Starts:
    """What comes of each start of a replica, in order; the last one for ever."""

    def __init__(self, *script: Callable[[], StandIn]) -> None:
        self._script = list(script)
        self.made: list[StandIn] = []

    async def __call__(self, run: CheckpointRun, needs: Needs) -> StandIn:
        begin = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        made = begin()
        self.made.append(made)
        return made


def refuse(error: Exception) -> Callable[[], StandIn]:
    def begin() -> StandIn:
        raise error

    return begin


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_dispatch, "_LONGEST_PAUSE_S", 0.0)


def run(
    starts: Starts,
    work: Callable[[Dispatch], Awaitable[Any]],
    *,
    replicas: int = 1,
    attempts: int = 3,
    unserved_s: float = 60.0,
) -> Any:
    async def live() -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ray_dispatch.Replica, "start", starts)
            dispatch = Dispatch(RUN, NEEDS, replicas, attempts, unserved_s)
            done = await work(dispatch)
            await dispatch.close()
        assert all(one.is_closed for one in starts.made)
        return done

    return asyncio.run(live())


def requests(count: int, max_tokens: int = 10) -> list[CompletionRequest]:
    return [
        CompletionRequest(f"r{number}", np.arange(3), number, max_tokens, (3,))
        for number in range(count)
    ]


def outcomes(answer: Completed | CompletionError) -> list[str]:
    return [one.outcome for one in answer.attempts]


@given(
    lives=st.lists(st.integers(0, 9), max_size=8),
    replicas=st.integers(1, 3),
    count=st.integers(0, 40),
)
def test_each_request_is_answered_once_whoever_dies(
    lives: list[int], replicas: int, count: int
) -> None:
    starts = Starts(*(lambda left=left: StandIn(left) for left in lives), StandIn)
    asked = requests(count)
    answers = run(starts, lambda dispatch: dispatch.complete(asked), replicas=replicas, attempts=99)
    answered: Counter[str] = sum((one.answered for one in starts.made), Counter())
    assert answered == {one.key: 1 for one in asked}
    for request, answer in zip(asked, answers, strict=True):
        assert (answer.ids.tolist(), answer.ended, answer.device_s) == ([request.seed], True, 0.5)
        assert outcomes(answer)[-1] == "ok"
        assert set(outcomes(answer)[:-1]) <= {"died"}
    assert all(one.most_in_flight <= ROOM for one in starts.made)


def test_the_one_with_the_fewest_is_asked_and_the_rest_wait_here() -> None:
    starts = Starts(lambda: StandIn(is_mute=True))

    async def work(dispatch: Dispatch) -> list[int]:
        asking = asyncio.create_task(dispatch.complete(requests(3)))
        await turns()
        few = [one.in_flight for one in await dispatch.standings()]
        more = asyncio.create_task(dispatch.complete(requests(30)))
        await turns()
        many = [one.in_flight for one in await dispatch.standings()]
        asking.cancel()
        more.cancel()
        await turns()
        assert [one.in_flight for one in await dispatch.standings()] == [0, 0]
        return few + many

    assert sorted(run(starts, work, replicas=2)) == [1, 2, ROOM, ROOM]
    # Whoever waits no more frees what was asked for.
    assert sum(len(one.forgotten) for one in starts.made) == 2 * ROOM


def test_who_waits_when_all_is_closed_gets_no_answer_and_nothing_is_asked_again() -> None:
    starts = Starts(lambda: StandIn(is_mute=True))

    async def work(dispatch: Dispatch) -> None:
        asking = asyncio.create_task(dispatch.complete(requests(30)))
        await turns()
        await dispatch.close()
        with pytest.raises(asyncio.CancelledError):
            await asking

    run(starts, work)
    assert len(starts.made) == 1


def test_a_request_that_outlives_no_replica_is_given_up_with_all_that_was_tried() -> None:
    starts = Starts(lambda: StandIn(0))
    (answer,) = run(starts, lambda dispatch: dispatch.complete(requests(1)))
    assert isinstance(answer, CompletionError)
    assert outcomes(answer) == ["died"] * 3
    assert "3 replicas died while they had it" in str(answer) and "the actor died" in str(answer)


def test_what_the_model_cannot_take_is_that_requests_error_alone() -> None:
    asked = [*requests(1, max_tokens=100), *requests(2)]
    refused, *sound = run(Starts(StandIn), lambda dispatch: dispatch.complete(asked))
    assert str(refused) == "request r0 has no answer: it is too long"
    assert [outcomes(one) for one in sound] == [["ok"], ["ok"]]


@pytest.mark.parametrize(
    "script",
    [
        [refuse(UsageError("/nowhere is no student"))],
        [refuse(MemoryError("/nowhere is no student"))],
        [refuse(LauterError("node lost")), refuse(LauterError("/nowhere is no student"))],
    ],
)
def test_where_no_replica_can_be_started_each_request_is_told_why(
    script: list[Callable[[], StandIn]],
) -> None:
    answers = run(Starts(*script), lambda dispatch: dispatch.complete(requests(2)), replicas=2)
    assert all(isinstance(one, CompletionError) for one in answers)
    assert all(str(one).endswith("/nowhere is no student") for one in answers)


def test_a_start_that_failed_is_tried_again_and_nobody_is_told() -> None:
    failing = refuse(LauterError("node lost"))
    starts = Starts(failing, failing, StandIn)

    async def work(dispatch: Dispatch) -> Any:
        answers = await dispatch.complete(requests(2))
        return answers, await dispatch.standings()

    answers, (standing,) = run(starts, work)
    assert [outcomes(one) for one in answers] == [["ok"], ["ok"]]
    assert (standing.state, standing.starts) == ("in service", 1)
    assert standing.cold_start == ColdStart(1.0, 2.0)


def test_while_there_is_no_place_requests_are_given_up_after_a_while() -> None:
    class NoPlace(Starts):
        async def __call__(self, run: CheckpointRun, needs: Needs) -> StandIn:
            await asyncio.Event().wait()
            raise AssertionError

    (answer,) = run(NoPlace(), lambda dispatch: dispatch.complete(requests(1)), unserved_s=0.05)
    assert "no replica was in service for 0.05 s" in str(answer)
    assert "2 times 1 CPU and 1 GPU" in str(answer)


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)
