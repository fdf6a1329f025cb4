"""A request and its attempts, in virtual time: whatever servers do, however moments coincide."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
import virtual_time
from completion_server import request_of
from hypothesis import given
from hypothesis import strategies as st

from lauter.teacher.step_audio.breaker import Breaker
from lauter.teacher.step_audio.completion import Completed, CompletionError
from lauter.teacher.step_audio.hedging import Hedger, Hedging
from lauter.teacher.step_audio.member import Member
from lauter.teacher.step_audio.pool_settings import ServerSettings
from lauter.teacher.step_audio.pursuit import Means, Pursuit
from lauter.teacher.step_audio.retries import Retries
from lauter.teacher.step_audio.roster import Roster
from lauter.teacher.step_audio.server import Server
from lauter.teacher.step_audio.wire import Answer, FailedAttemptError

IDS = 10


@dataclass
class ScriptedServer:
    """Takes so long for its n-th answer, of ten ids, or fails after a tenth of that time.

    One that ``lingers`` gives an answer and ends its stream 100 s later.
    """

    settings: ServerSettings
    script: list[tuple[float, str]]
    asked: list[tuple[str, float]] = field(default_factory=list)
    in_flight: int = 0
    most: int = 0

    async def complete(self, body: Mapping[str, Any], answer: Answer, attempt: str) -> None:
        seconds, outcome = self.script[len(self.asked) % len(self.script)]
        self.asked.append((attempt.rpartition("-")[0], asyncio.get_running_loop().time()))
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            for number in range(IDS):
                await asyncio.sleep(seconds / IDS)
                if outcome not in ("ok", "lingers"):
                    raise FailedAttemptError(
                        outcome, retry_after_s=1.0 if "429" in outcome else None
                    )
                reason = "stop" if number == IDS - 1 else None
                choice = {"index": 0, "token_ids": [number], "finish_reason": reason}
                answer.take(json.dumps({"choices": [choice]}))
            if outcome == "lingers":
                await asyncio.sleep(100.0)
        finally:
            self.in_flight -= 1


def pool(servers: list[ScriptedServer], hedging: Hedging | None = None, attempts: int = 6) -> Means:
    now = asyncio.get_running_loop().time()
    members = [Member(cast(Server, one), Breaker(4, 2.0, 8.0), now) for one in servers]
    for member in members:
        member.trouble = None
    hedger = Hedger(hedging) if hedging else None
    roster = Roster(members, unserved_s=1000.0)
    return Means(roster, Retries(attempts, 0.5, 4.0), hedger, lambda request: {})


def server(number: int, *script: tuple[float, str], most: int = 2) -> ScriptedServer:
    return ScriptedServer(ServerSettings(f"http://{number}", max_in_flight=most), list(script))


# Few lengths, all of them multiples of how soon a straggler is looked at: moments coincide.
SCRIPT = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.1, 0.2, 0.3, 1.0, 5.0]),
        st.sampled_from(["ok", "ok", "ok", "http 500", "http 429", "cut off", "no connection"]),
    ),
    min_size=1,
    max_size=6,
)


@given(
    scripts=st.lists(st.tuples(SCRIPT, st.integers(1, 3)), min_size=1, max_size=4),
    requests=st.integers(1, 20),
    behind=st.sampled_from([0.1, 0.5, 1.0]),
    share=st.sampled_from([0.0, 0.3, 1.0]),
    attempts=st.integers(1, 5),
)
def test_whatever_servers_do_each_answer_is_one_and_all_is_accounted_for(
    scripts: list[tuple[list[tuple[float, str]], int]],
    requests: int,
    behind: float,
    share: float,
    attempts: int,
) -> None:
    servers = [server(n, *script, most=most) for n, (script, most) in enumerate(scripts)]
    ended: dict[str, float] = {}

    async def story() -> list[Completed | CompletionError]:
        means = pool(servers, Hedging(1.0, behind, share, after=1), attempts)

        async def ask(number: int) -> Completed | CompletionError:
            came = await Pursuit(request_of(number), means).run()
            ended[f"request-{number}"] = asyncio.get_running_loop().time()
            return came

        async def health() -> None:
            while True:
                await asyncio.sleep(3.0)
                for member in means.roster.members:
                    member.trouble = None
                means.roster.settle()

        watch = asyncio.create_task(health())
        came = await asyncio.gather(*map(ask, range(requests)))
        watch.cancel()
        assert all(member.in_flight == 0 for member in means.roster.members)
        assert asyncio.all_tasks() <= {asyncio.current_task(), watch}
        means.roster.close()
        return came

    came = virtual_time.run(story())
    for one in servers:
        assert one.in_flight == 0
        assert one.most <= one.settings.max_in_flight
        assert all(at <= ended[key] for key, at in one.asked)
    for number, one in enumerate(came):
        counted = [attempt.outcome for attempt in one.attempts]
        assert 1 <= len(counted) <= attempts
        asked = sum(key == f"request-{number}" for each in servers for key, _ in each.asked)
        # One that is given up before its first step was never sent.
        assert asked <= len(counted) <= asked + counted.count("hedged")
        if isinstance(one, Completed):
            assert counted.count("ok") == 1
            assert one.ids.tolist() == list(range(IDS))
        else:
            assert "ok" not in counted
            assert len(counted) == attempts


def test_of_two_answers_in_one_moment_one_is_taken() -> None:
    async def story() -> tuple[Completed | CompletionError, list[int]]:
        # The first is asked at 0 and done at 1, the second is asked at 0.5.
        first, second = server(0, (1.0, "ok")), server(1, (0.5, "ok"))
        means = pool([first, second], Hedging(1.0, 1.0, 1.0, after=1))
        assert means.hedger
        means.hedger.answered(IDS)
        means.roster.members[1].saw_pace(0.05 / 2, 0.0)
        means.roster.members[0].saw_pace(0.0, 0.0)
        came = await Pursuit(request_of(1), means).run()
        return came, [member.in_flight for member in means.roster.members]

    came, in_flight = virtual_time.run(story())
    assert isinstance(came, Completed)
    assert sorted(attempt.outcome for attempt in came.attempts) == ["hedged", "ok"]
    assert in_flight == [0, 0]


def test_an_attempt_that_lags_is_hedged_and_the_quicker_one_wins() -> None:
    async def story() -> Completed | CompletionError:
        slow, fair = server(0, (100.0, "ok")), server(1, (1.0, "ok"))
        means = pool([slow, fair], Hedging(1.0, 0.5, 1.0, after=1))
        assert means.hedger
        means.hedger.answered(IDS)
        means.roster.members[1].saw_pace(0.1, 0.0)
        return await Pursuit(request_of(1), means).run()

    came = virtual_time.run(story())
    assert isinstance(came, Completed)
    assert [(attempt.server, attempt.outcome) for attempt in came.attempts] == [
        ("http://1", "ok"),
        ("http://0", "hedged"),
    ]
    # Half a typical answer at the fair pace, and then a whole one.
    assert came.attempts[1].seconds == pytest.approx(0.5 + 1.0)


def test_a_long_answer_at_a_fair_pace_is_not_hedged() -> None:
    async def story() -> Completed | CompletionError:
        means = pool([server(0, (1.0, "ok")), server(1, (1.0, "ok"))], Hedging(after=1, share=1.0))
        assert means.hedger
        means.hedger.answered(4)
        means.roster.members[1].saw_pace(0.1, 0.0)
        return await Pursuit(request_of(1), means).run()

    came = virtual_time.run(story())
    assert [attempt.outcome for attempt in came.attempts] == ["ok"]


def test_where_the_first_of_two_fails_the_other_is_waited_for() -> None:
    async def story() -> Completed | CompletionError:
        first, second = server(0, (9.0, "cut off")), server(1, (1.0, "ok"))
        means = pool([first, second], Hedging(1.0, 0.5, 1.0, after=1))
        assert means.hedger
        means.hedger.answered(IDS)
        means.roster.members[1].saw_pace(0.1, 0.0)
        return await Pursuit(request_of(1), means).run()

    came = virtual_time.run(story())
    assert [attempt.outcome for attempt in came.attempts] == ["cut off", "ok"]
    # At 0.5 the second was asked, at 0.9 the first failed, at 1.5 the answer came.
    assert came.attempts[1].seconds == pytest.approx(1.0)


def test_nobody_else_is_asked_once_an_answer_is_whole_though_its_stream_lingers() -> None:
    async def story() -> Completed | CompletionError:
        first, second = server(0, (1.0, "lingers")), server(1, (1.0, "ok"))
        means = pool([first, second], Hedging(1.0, 0.5, 1.0, after=1))
        assert means.hedger
        means.hedger.answered(IDS)
        means.roster.members[1].saw_pace(0.1, 0.0)
        return await Pursuit(request_of(1), means).run()

    came = virtual_time.run(story())
    assert [(attempt.server, attempt.outcome) for attempt in came.attempts] == [("http://0", "ok")]
