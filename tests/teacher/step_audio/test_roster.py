"""Who goes where: laws over any history of requests, failures and servers that come and go."""

import asyncio
from collections.abc import Iterator, Sequence

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lauter.teacher.step_audio.breaker import Breaker
from lauter.teacher.step_audio.member import Member
from lauter.teacher.step_audio.pool_settings import Patience, ServerSettings
from lauter.teacher.step_audio.roster import Roster, Seat, UnservedError, choose
from lauter.teacher.step_audio.server import Server, open_client

PATIENCE = Patience()


@pytest.fixture(scope="module")
def client() -> httpx2.AsyncClient:
    return open_client(PATIENCE)


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


def member(client: httpx2.AsyncClient, number: int, max_in_flight: int) -> Member:
    settings = ServerSettings(f"http://{number}", max_in_flight=max_in_flight)
    made = Member(Server(settings, PATIENCE, client), Breaker(2, 1000.0, 1000.0), now=0.0)
    made.trouble = None
    return made


MEMBERS = st.lists(
    st.tuples(
        st.integers(1, 4),  # how many it may have in flight
        st.integers(0, 4),  # how many it has, if it may
        st.integers(0, 2),  # how often the request failed there
        st.sampled_from(["serves", "down", "draining", "resting", "open"]),
        st.none() | st.floats(0.01, 1),  # its pace
    ),
    max_size=6,
)


@given(state=MEMBERS, others=st.sets(st.integers(0, 5)))
def test_the_choice_is_the_least_loaded_of_those_where_it_failed_least(
    client: httpx2.AsyncClient,
    loop: asyncio.Runner,
    state: list[tuple[int, int, int, str, float | None]],
    others: set[int],
) -> None:
    async def made() -> list[Member]:
        return [member(client, number, one[0]) for number, one in enumerate(state)]

    members = loop.run(made())
    now = 10.0
    for one, (most, in_flight, _, standing, pace) in zip(members, state, strict=True):
        if pace is not None:
            one.saw_pace(pace, now)
        for _ in range(min(in_flight, most)):
            one.enter(0, now)
        one.trouble = "down" if standing == "down" else None
        one.is_draining = standing == "draining"
        one.rests_until = now + 1 if standing == "resting" else now
        if standing == "open":
            one.breaker = Breaker(1, 5.0).failed(now, is_trial=False)
    failures = {one.url: failed for one, (_, _, failed, _, _) in zip(members, state, strict=True)}
    without = [one for number, one in enumerate(members) if number in others]
    chosen = choose(members, failures, now, without)

    serving = [
        one
        for one, (_, _, _, standing, _) in zip(members, state, strict=True)
        if standing == "serves" and one not in without
    ]
    fewest = min((failures[one.url] for one in serving), default=0)
    fit = [
        one
        for one in serving
        if failures[one.url] == fewest and one.in_flight < one.server.settings.max_in_flight
    ]
    paces = {one: pace for one, (*_, pace) in zip(members, state, strict=True) if pace is not None}
    quickest = min((paces[one] for one in fit if one in paces), default=1.0)

    def wait(one: Member) -> float:
        full = (one.in_flight + 1) / one.server.settings.max_in_flight
        return full * paces.get(one, quickest)

    if chosen is None:
        assert not fit
    else:
        assert chosen in fit
        assert all(wait(chosen) <= wait(one) for one in fit)


def test_a_server_that_was_slow_long_ago_is_tried_again(
    client: httpx2.AsyncClient, loop: asyncio.Runner
) -> None:
    async def story() -> None:
        was_slow, fair = member(client, 0, 4), member(client, 1, 4)
        was_slow.saw_pace(1.0, 0.0)
        for now in (0.0, 59.0, 100.0):
            fair.saw_pace(0.1, now)
            fair.enter(0, now)
            chosen = choose([was_slow, fair], {}, now)
            assert chosen is (was_slow if now == 100.0 else fair)

    loop.run(story())


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "leave", "fail", "cancel", "down", "up", "drain", "readmit"]),
        st.integers(0, 100),
    ),
    max_size=60,
)


@given(steps=STEPS, sizes=st.lists(st.integers(1, 3), min_size=1, max_size=3))
def test_in_any_history_none_has_too_many_and_none_waits_while_there_is_room(
    client: httpx2.AsyncClient,
    loop: asyncio.Runner,
    steps: list[tuple[str, int]],
    sizes: list[int],
) -> None:
    async def live() -> None:
        members = [member(client, number, most) for number, most in enumerate(sizes)]
        roster = Roster(members, unserved_s=1000.0)
        asked: list[asyncio.Task[Seat]] = []
        for step, number in steps:
            one = members[number % len(members)]
            seated = [task for task in asked if task.done()]
            waiting = [task for task in asked if not task.done()]
            if step == "ask":
                asked.append(asyncio.create_task(roster.seat({}, 0)))
            elif step in ("leave", "fail") and seated:
                task = seated[number % len(seated)]
                seat = task.result()
                if step == "fail":
                    seat.member.breaker = seat.member.breaker.failed(
                        asyncio.get_running_loop().time(), is_trial=seat.visit.is_trial
                    )
                roster.leave(seat, 0)
                asked.remove(task)
            elif step == "cancel" and waiting:
                # At the very moment at which somebody may make room for it.
                waiting[0].cancel()
                if seated:
                    roster.leave(seated[0].result(), 0)
                    asked.remove(seated[0])
                asked.remove(waiting[0])
            elif step in ("down", "up"):
                one.trouble = "down" if step == "down" else None
                roster.settle()
            elif step in ("drain", "readmit"):
                one.is_draining = step == "drain"
                roster.settle()
            for _ in range(3):
                await asyncio.sleep(0)
            check(members, asked)
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        roster.close()

    def check(members: Sequence[Member], asked: Sequence[asyncio.Task[Seat]]) -> None:
        now = asyncio.get_running_loop().time()
        seats = [task.result() for task in asked if task.done()]
        for one in members:
            assert one.in_flight <= one.server.settings.max_in_flight
            assert one.in_flight == sum(seat.member is one for seat in seats)
            assert one.is_idle.is_set() == (one.in_flight == 0)
        if len(seats) < len(asked):
            assert not any(one.is_in_service(now) and one.has_room(now) for one in members)
            # First come, first served.
            assert [task.done() for task in asked] == sorted(
                (task.done() for task in asked), reverse=True
            )

    loop.run(live())


def test_a_seat_that_came_as_its_request_was_cancelled_is_given_back(
    client: httpx2.AsyncClient, loop: asyncio.Runner
) -> None:
    async def story() -> None:
        only = member(client, 0, 1)
        roster = Roster([only], unserved_s=1000.0)
        first = await roster.seat({}, 0)
        second = asyncio.create_task(roster.seat({}, 0))
        await asyncio.sleep(0)
        roster.leave(first, 0)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        assert second.cancelled()
        assert only.in_flight == 0

    loop.run(story())


def test_who_waits_for_another_server_lets_the_next_one_pass(
    client: httpx2.AsyncClient, loop: asyncio.Runner
) -> None:
    async def story() -> None:
        failed_there, other = member(client, 0, 1), member(client, 1, 1)
        roster = Roster([failed_there, other], unserved_s=1000.0)
        busy = [await roster.seat({}, 0), await roster.seat({}, 0)]
        at_other = next(seat for seat in busy if seat.member is other)
        at_first = next(seat for seat in busy if seat.member is failed_there)
        choosy = asyncio.create_task(roster.seat({failed_there.url: 1}, 0))
        await asyncio.sleep(0)
        anyone = asyncio.create_task(roster.seat({}, 0))
        await asyncio.sleep(0)
        roster.leave(at_first, 0)
        assert (await anyone).member is failed_there
        assert not choosy.done()
        roster.leave(at_other, 0)
        assert (await choosy).member is other

    loop.run(story())


def test_a_server_is_asked_again_when_its_rest_is_over(
    client: httpx2.AsyncClient, loop: asyncio.Runner
) -> None:
    async def story() -> None:
        only = member(client, 0, 1)
        only.rests_until = asyncio.get_running_loop().time() + 0.02
        assert (await Roster([only], unserved_s=1000.0).seat({}, 0)).member is only
        assert asyncio.get_running_loop().time() >= only.rests_until

    loop.run(story())


def test_whoever_waits_is_given_up_once_no_server_was_there_for_too_long(
    client: httpx2.AsyncClient, loop: asyncio.Runner
) -> None:
    async def story() -> None:
        gone = member(client, 0, 1)
        gone.trouble = "no connection"
        with pytest.raises(UnservedError, match=r"for 0\.02 s \(http://0: no connection\)"):
            await Roster([gone], unserved_s=0.02).seat({}, 0)

    loop.run(story())


def test_tokens_count_as_long_as_they_are_asked_for_until_it_is_known_how_many_came(
    client: httpx2.AsyncClient, loop: asyncio.Runner
) -> None:
    async def story() -> None:
        settings = ServerSettings("http://a", tokens_per_s=100.0)
        one = Member(Server(settings, PATIENCE, client), Breaker(), now=0.0)
        assert one.has_room(0.0)
        first = one.enter(80, 0.0)
        assert one.has_room(0.0)
        one.enter(80, 0.0)
        assert not one.has_room(0.5)
        assert one.next_change() == pytest.approx(0.6)
        one.leave(first, 20, 0.5)
        assert one.has_room(0.5)

    loop.run(story())
