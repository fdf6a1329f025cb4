"""One test a kind of fault: every request comes back right, and none is asked again for nothing."""

import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from completion_server import Ledger, completion_app, request_of, said
from faulty import (
    Fault,
    Faulty,
    answer,
    cut_after,
    cut_behind_the_answer,
    end_after,
    go_on_for_ever,
    hang,
    hang_after,
    leave_the_range,
    refuse,
    repeat_ids,
    slow_down,
)
from live_server import LiveServer
from pools import answers, outcomes, pool_of, settings_of, wait_until

from lauter.teacher.step_audio.breaker import Breaker
from lauter.teacher.step_audio.completion import Completed, CompletionError
from lauter.teacher.step_audio.hedging import Hedging
from lauter.teacher.step_audio.http_completer import HttpCompleter
from lauter.teacher.step_audio.pool_settings import Patience

REQUESTS = [request_of(number) for number in range(30)]


def faulty_and_sound(fault: Fault, ledger: Ledger, *, share: float = 1.0) -> tuple[Faulty, Any]:
    bad = Faulty(completion_app(ledger, name="bad"), fault, share=share)
    return bad, completion_app(ledger, name="good")


def ask_and_check(fault: Fault, outcome: str, *, share: float = 1.0, **changes: Any) -> None:
    """Each request has its answer, each fault is one attempt of that outcome, and no more."""
    ledger = Ledger()
    bad, good = faulty_and_sound(fault, ledger, share=share)
    with pool_of(bad, good, **changes) as (completer, _):
        came = answers(REQUESTS, completer.complete(REQUESTS))
    assert bad.struck > 0
    assert outcomes(came) == Counter({"ok": len(REQUESTS), outcome: bad.struck})
    assert all(one.attempts[-1].outcome == "ok" for one in came)
    assert set(ledger.delivered.values()) == {1}
    assert len(ledger.delivered) == len(REQUESTS)


def ask_and_wait(fault: Fault, outcome: str, patience: Patience) -> None:
    """The same, where a fault takes a second: once for the two that are in flight at a time."""
    breaker = Breaker(opens_after=1, rest_s=600, longest_rest_s=600)
    ask_and_check(fault, outcome, patience=patience, breaker=breaker, max_in_flight=2)


def test_a_server_that_hangs() -> None:
    ask_and_wait(hang(), "timed out: first id", Patience(first_s=1.0))


def test_a_server_that_falls_silent_in_the_middle() -> None:
    ask_and_wait(hang_after(2), "timed out: silence", Patience(silence_s=1.0))


def test_a_server_that_takes_too_long_in_all() -> None:
    ask_and_wait(slow_down(0.5), "timed out: whole answer", Patience(whole_s=1.5))


def test_a_server_that_takes_no_connection() -> None:
    # Who listens and never accepts has room for one that waits; further ones are not heard.
    ledger = Ledger()
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as deaf,
        LiveServer(completion_app(ledger)) as good,
    ):
        port = deaf.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            patience = Patience(connect_s=0.2, health_s=5.0)
            urls = [f"http://127.0.0.1:{port}", good.url]
            completer = HttpCompleter(settings_of(urls, patience=patience))
            came = answers(REQUESTS, completer.complete(REQUESTS))
            wait_until(lambda: completer.standings()[0].state == "timed out: connection")
            completer.close()
    assert outcomes(came) == Counter({"ok": len(REQUESTS)})


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (answer(b"data: {no\n\n"), "no json"),
        (answer(b"\xff\xfe\x00" * 50), "cut off"),
        (answer(b"data: \xff\xfe\n\n"), "no json"),
        (answer(b'data: {"choices": [{"index": 0, "token_ids": ["x"]}]}\n\n'), "garbage"),
        (answer(b"<html>Bad gateway</html>", "text/html"), "garbage"),
        (answer(b'{"choices": []}', "application/json"), "garbage"),
        (answer(b'data: {"error": {"message": "out of memory", "code": 500}}\n\n'), "http 500"),
    ],
)
def test_a_server_that_answers_garbage(fault: Fault, outcome: str) -> None:
    ask_and_check(fault, outcome)


@pytest.mark.parametrize("fault", [cut_after(0), cut_after(2), end_after(2)])
def test_a_server_that_cuts_the_stream(fault: Fault) -> None:
    ask_and_check(fault, "cut off")


def test_a_server_that_never_ends() -> None:
    ask_and_check(go_on_for_ever(), "too long")


@pytest.mark.parametrize("status", [429, 500])
def test_a_server_that_refuses_three_in_ten(status: int) -> None:
    ask_and_check(refuse(status), f"http {status}", share=0.3)


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_says_when_to_come_again(status: int) -> None:
    ask_and_check(refuse(status, "0.02"), f"http {status}", share=0.3)


@pytest.mark.parametrize("status", [429, 500])
def test_a_server_without_peers_that_refuses_three_in_ten(status: int) -> None:
    ledger = Ledger()
    bad = Faulty(completion_app(ledger), refuse(status, "0.01"), share=0.3)
    with pool_of(bad) as (completer, _):
        came = answers(REQUESTS, completer.complete(REQUESTS))
    assert outcomes(came) == Counter({"ok": len(REQUESTS), f"http {status}": bad.struck})
    assert bad.struck > 0
    assert set(ledger.asked.values()) == {1}


def ask_what_is_no_speech(fault: Fault) -> list[tuple[list[int], Completed]]:
    """What is right for each request, and what came of it: no fault of HTTP, so asked once."""
    ledger = Ledger()
    with pool_of(Faulty(completion_app(ledger), fault)) as (completer, _):
        came = completer.complete(REQUESTS)
    assert outcomes(came) == Counter({"ok": len(REQUESTS)})
    assert set(ledger.delivered.values()) == {1}
    rights = [said(request.prompt.tolist(), request.seed) for request in REQUESTS]
    return [
        (right, one) for right, one in zip(rights, came, strict=True) if isinstance(one, Completed)
    ]


def test_a_server_that_repeats_ids_is_taken_at_its_word() -> None:
    for right, one in ask_what_is_no_speech(repeat_ids()):
        assert (one.ids.tolist(), one.ended) == ([right[0]] * (len(right) + 1), False)


def test_a_server_that_leaves_the_range_is_taken_at_its_word() -> None:
    for right, one in ask_what_is_no_speech(leave_the_range()):
        # Its stop id is none either.
        assert one.ids.tolist() == [id_ + 1_000_000 for id_ in [*right, 3]]


def test_what_breaks_behind_a_whole_answer_takes_nothing_from_it() -> None:
    ledger = Ledger()
    bad = Faulty(completion_app(ledger), cut_behind_the_answer())
    with pool_of(bad) as (completer, _):
        came = answers(REQUESTS, completer.complete(REQUESTS))
    assert outcomes(came) == Counter({"ok": len(REQUESTS)})
    assert set(ledger.asked.values()) == {1}


def test_a_server_ten_times_slower_than_its_three_peers() -> None:
    ledger = Ledger()
    slow = Faulty(completion_app(ledger, name="slow", delay_s=0.02), slow_down(0.18))
    fair = [completion_app(ledger, name=name, delay_s=0.02) for name in "abc"]
    hedging = Hedging(share=0.5, after=3)
    with pool_of(slow, *fair, hedging=hedging) as (completer, servers):
        came = answers(REQUESTS, completer.complete(REQUESTS))
        by_slow = [
            attempt for one in came for attempt in one.attempts if attempt.server == servers[0].url
        ]
    counted = outcomes(came)
    assert counted["ok"] == len(REQUESTS)
    assert set(counted) == {"ok", "hedged"}
    assert any(attempt.outcome == "hedged" for attempt in by_slow)
    assert set(ledger.delivered.values()) == {1}
    # The slower copy was given up: it is not in flight any more.
    assert not +ledger.in_flight


def test_a_server_that_dies_and_comes_back() -> None:
    ledger = Ledger()
    apps = [completion_app(ledger, name=name, delay_s=0.01) for name in "ab"]
    with pool_of(*apps) as (completer, (first, _)):
        answers(REQUESTS, completer.complete(REQUESTS))
        first.die()
        while_dead = answers(REQUESTS, completer.complete(REQUESTS))
        asked_before = ledger.asked_by_server["a"]
        first.start()
        wait_until(lambda: completer.standings()[0].state == "in service")
        afterwards = answers(REQUESTS, completer.complete(REQUESTS))
    assert {one.attempts[-1].outcome for one in while_dead} == {"ok"}
    assert set(outcomes(while_dead)) <= {"ok", "no connection", "cut off"}
    assert outcomes(afterwards) == Counter({"ok": len(REQUESTS)})
    assert ledger.asked_by_server["a"] > asked_before
    assert set(ledger.delivered.values()) == {3}


def test_a_server_that_dies_in_the_middle_of_its_answers() -> None:
    ledger = Ledger()
    apps = [completion_app(ledger, name=name, delay_s=0.01) for name in "ab"]
    with pool_of(*apps) as (completer, (first, _)), ThreadPoolExecutor(1) as caller:
        completer.identity()
        running = caller.submit(completer.complete, REQUESTS)
        wait_until(lambda: ledger.in_flight["a"] > 0)
        first.die()
        came = answers(REQUESTS, running.result())
    counted = outcomes(came)
    assert counted["ok"] == len(REQUESTS)
    assert counted["cut off"] >= 1
    assert set(counted) <= {"ok", "cut off", "no connection"}
    assert set(ledger.delivered.values()) == {1}


def test_a_server_without_peers_is_waited_for_until_it_comes_back() -> None:
    ledger = Ledger()
    with pool_of(completion_app(ledger)) as (completer, (only,)):
        completer.identity()
        only.die()
        with ThreadPoolExecutor(1) as caller:
            running = caller.submit(completer.complete, REQUESTS)
            wait_until(lambda: completer.standings()[0].state != "in service")
            only.start()
            came = answers(REQUESTS, running.result())
    assert set(outcomes(came)) <= {"ok", "no connection"}
    assert set(ledger.asked.values()) == {1}


def test_where_all_fail_the_error_says_what_was_tried() -> None:
    bad = Faulty(completion_app(Ledger()), refuse(500))
    with pool_of(bad) as (completer, _):
        (came,) = completer.complete([request_of(1)])
    assert isinstance(came, CompletionError)
    assert [attempt.outcome for attempt in came.attempts] == ["http 500"] * 12
    assert came.device_s >= sum(attempt.seconds for attempt in came.attempts)
    assert str(came) == (
        "request request-1 has no answer: it failed 12 times, at last with: http 500 (not now)"
    )
