"""A pool on real sockets: who is asked, how many at a time, who they are, and what stays behind."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import psutil
import pytest
from completion_server import Ledger, completion_app, likeliest, request_of, said
from faulty import Faulty, cut_after, hang, refuse, slow_down
from live_server import LiveServer
from pools import QUICK_RETRIES, answers, outcomes, pool_of, settings_of, wait_until

from lauter.datasets.errors import LauterError, UsageError
from lauter.datasets.layout import END
from lauter.teacher.step_audio.breaker import Breaker
from lauter.teacher.step_audio.completion import (
    Completed,
    CompletionError,
    CompletionRequest,
    Identity,
)
from lauter.teacher.step_audio.hedging import Hedging
from lauter.teacher.step_audio.http_completer import HttpCompleter
from lauter.teacher.step_audio.pool_settings import Patience, PoolSettings, ServerSettings
from lauter.teacher.step_audio.retries import Retries

REQUESTS = [request_of(number) for number in range(30)]
NOBODY = "http://127.0.0.1:9"


def test_a_request_and_its_seed_say_the_same_whoever_is_asked() -> None:
    ledger = Ledger()
    apps = [completion_app(ledger, name=name) for name in "ab"]
    settings = {"sampling": {"temperature": 0.7, "top_k": 20}}
    with pool_of(*apps, **settings) as (completer, _):
        answers(REQUESTS, completer.complete(REQUESTS))
        assert completer.sampling == settings["sampling"]
    assert set(ledger.asked_by_server) == {"a", "b"}
    assert all(body["temperature"] == 0.7 and body["top_k"] == 20 for body in ledger.bodies)
    assert {body["seed"] for body in ledger.bodies} == {7}


@pytest.mark.parametrize("gives_stop_id", [True, False])
def test_the_likeliest_come_for_each_id_and_the_stop_id(gives_stop_id: bool) -> None:
    request = request_of(1, top=3)
    with pool_of(completion_app(Ledger(), gives_stop_id=gives_stop_id)) as (completer, _):
        (came,) = answers([request], completer.complete([request]))
    assert came.top is not None
    right = [likeliest(id_, 3) for id_ in [*said(request.prompt.tolist(), 7), END]]
    for found, known in zip(came.top, right, strict=True):
        best = sorted(known, key=lambda id_: -known[id_])[:3]
        assert found == {id_: known[id_] for id_ in best}


def test_an_answer_that_is_longer_than_asked_for_has_not_ended() -> None:
    request = request_of(1, max_tokens=12)
    with pool_of(completion_app(Ledger())) as (completer, _):
        (came,) = completer.complete([request])
    assert isinstance(came, Completed)
    assert (came.ids.tolist(), came.ended) == (said(request.prompt.tolist(), 7)[:12], False)


def test_no_server_has_more_in_flight_than_it_may_whoever_calls() -> None:
    ledger = Ledger()
    poor = Faulty(completion_app(ledger, name="poor"), refuse(500), share=0.3)
    apps = [poor, completion_app(ledger, name="fair", delay_s=0.002)]
    parts = [REQUESTS[start::8] for start in range(8)]
    with pool_of(*apps, max_in_flight=3) as (completer, _), ThreadPoolExecutor(8) as callers:
        for part, came in zip(parts, callers.map(completer.complete, parts), strict=True):
            answers(part, came)
    assert max(ledger.most_in_flight.values()) == 3


def test_what_was_answered_is_never_asked_again() -> None:
    ledger = Ledger()
    apps = [
        Faulty(completion_app(ledger, name="slow"), slow_down(0.5)),
        Faulty(completion_app(ledger, name="poor"), refuse(500), share=0.3),
        Faulty(completion_app(ledger, name="torn"), cut_after(3), share=0.3),
        completion_app(ledger, name="fair"),
    ]
    hedging = Hedging(after=2, share=1.0, behind=0.3)
    with (
        pool_of(*apps, hedging=hedging) as (completer, _),
        ThreadPoolExecutor(8) as callers,
    ):

        def ask(request: CompletionRequest) -> tuple[str, float, Sequence[object]]:
            came = completer.complete([request])
            return request.key, time.monotonic(), answers([request], came)

        returned = list(callers.map(ask, REQUESTS))
    assert all(ledger.last_asked[key] < at for key, at, _ in returned)
    assert outcomes([one for _, _, came in returned for one in came])["hedged"]  # type: ignore[misc]


def test_a_request_that_failed_goes_to_another_server_though_it_has_to_wait() -> None:
    ledger = Ledger()
    bad = Faulty(completion_app(ledger, name="bad"), refuse(500))
    good = completion_app(ledger, name="good")
    never_opens = Breaker(opens_after=1000)
    with pool_of(bad, good, max_in_flight=1, breaker=never_opens) as (completer, _):
        came = answers(REQUESTS, completer.complete(REQUESTS))
    assert all(len(one.attempts) <= 2 for one in came)


def test_a_server_that_only_fails_is_left_alone() -> None:
    bad = Faulty(completion_app(Ledger(), name="bad"), refuse(500))
    good = completion_app(Ledger(), name="good")
    breaker = Breaker(opens_after=3, rest_s=600, longest_rest_s=600)
    with pool_of(bad, good, max_in_flight=1, breaker=breaker) as (completer, _):
        came = answers(REQUESTS, completer.complete(REQUESTS))
        assert completer.standings()[0].state == "failed too often"
    assert outcomes(came) == Counter({"ok": len(REQUESTS), "http 500": 3})


def test_a_server_that_recovers_is_found_out_by_one_request_at_a_time() -> None:
    bad = Faulty(completion_app(Ledger()), refuse(500), at_most=6)
    breaker = Breaker(opens_after=3, rest_s=0.02, longest_rest_s=0.02)
    with pool_of(bad, breaker=breaker, max_in_flight=1) as (completer, _):
        came = answers(REQUESTS, completer.complete(REQUESTS))
    assert outcomes(came) == Counter({"ok": len(REQUESTS), "http 500": 6})


def test_a_server_is_asked_no_sooner_than_it_wishes() -> None:
    busy = Faulty(completion_app(Ledger()), refuse(429, "0.2"), at_most=1)
    with pool_of(busy, max_in_flight=1) as (completer, _):
        completer.identity()
        begun = time.monotonic()
        came = answers(REQUESTS[:3], completer.complete(REQUESTS[:3]))
    assert time.monotonic() - begun >= 0.2
    assert outcomes(came) == Counter({"ok": 3, "http 429": 1})


def test_a_date_far_ahead_sends_requests_to_another_server() -> None:
    busy = Faulty(completion_app(Ledger()), refuse(503, "Fri, 31 Dec 2100 23:59:59 GMT"))
    with pool_of(busy, completion_app(Ledger())) as (completer, _):
        came = answers(REQUESTS, completer.complete(REQUESTS))
        assert completer.standings()[0].state == "told to wait"
    assert outcomes(came)["http 503"] == busy.struck


def test_a_drained_server_finishes_what_it_has_and_gets_nothing_more() -> None:
    ledger = Ledger()
    apps = [completion_app(ledger, name=name, delay_s=0.01) for name in "ab"]
    with pool_of(*apps) as (completer, (first, _)), ThreadPoolExecutor(1) as caller:
        completer.identity()
        running = caller.submit(completer.complete, REQUESTS)
        wait_until(lambda: ledger.in_flight["a"] > 0)
        completer.drain(f"{first.url}/v1/")
        assert completer.standings()[0].in_flight == 0
        asked = ledger.asked_by_server["a"]
        came = [*running.result(), *completer.complete(REQUESTS)]
        assert outcomes(answers([*REQUESTS, *REQUESTS], came)) == {"ok": len(came)}
        assert ledger.asked_by_server["a"] == asked
        completer.readmit(first.url)
        answers(REQUESTS, completer.complete(REQUESTS))
        assert ledger.asked_by_server["a"] > asked
        with pytest.raises(UsageError, match="no server http://elsewhere in the pool"):
            completer.drain("http://elsewhere")


@pytest.mark.parametrize("limits", [{"requests_per_s": 50.0}, {"tokens_per_s": 50.0 * 24}])
def test_no_more_is_asked_in_a_second_than_is_allowed(limits: dict[str, float]) -> None:
    # Each of 4 and 20 tokens, none of which is given back.
    requests = [request_of(number, max_tokens=20) for number in range(60)]
    ledger = Ledger()
    with LiveServer(completion_app(ledger)) as server:
        servers = (ServerSettings(server.url, max_in_flight=64, **limits),)  # type: ignore[arg-type]
        completer = HttpCompleter(PoolSettings(servers, hedging=None))
        begun = time.monotonic()
        assert all(isinstance(one, Completed) for one in completer.complete(requests))
        completer.close()
    # One second's worth may go at once, and one more that leaves a debt.
    for before, asked in enumerate(sorted(ledger.last_asked.values())):
        assert asked - begun >= (before - 50) / 50


def test_the_time_of_devices_is_shared_by_those_who_are_there() -> None:
    with LiveServer(completion_app(Ledger(), delay_s=0.005)) as server:
        settings = settings_of([server.url])
        servers = (ServerSettings(server.url, devices=8, max_in_flight=5),)
        completer = HttpCompleter(PoolSettings(servers, hedging=None, retries=settings.retries))
        completer.identity()
        begun = time.monotonic()
        came = answers(REQUESTS, completer.complete(REQUESTS))
        wall_s = time.monotonic() - begun
        completer.close()
    spent_s = sum(one.attempts[0].seconds for one in came)
    total_s = sum(one.device_s for one in came)
    # Eight devices, and up to five requests at a time.
    assert 8 / 5 * spent_s * 0.999 <= total_s <= 8 * wall_s
    assert all(one.device_s > 0 for one in came)


def test_what_a_server_says_that_an_answer_took_is_taken_times_its_devices() -> None:
    with LiveServer(completion_app(Ledger(), device_s=0.125)) as server:
        servers = (ServerSettings(server.url, devices=8),)
        completer = HttpCompleter(PoolSettings(servers, hedging=None))
        came = answers(REQUESTS, completer.complete(REQUESTS))
        completer.close()
    assert {one.device_s for one in came} == {1.0}


def test_other_weights_behind_an_address_are_noticed_while_it_is_in_service() -> None:
    ledger = Ledger()
    changing = completion_app(ledger, name="a", checkpoints=["c0ffee", "beef"])
    with pool_of(changing, completion_app(ledger, name="b")) as (completer, servers):
        wait_until(lambda: "beef" in completer.standings()[0].state)
        before = ledger.asked_by_server["a"]
        answers(REQUESTS, completer.complete(REQUESTS))
        assert ledger.asked_by_server["a"] == before
        with pytest.raises(UsageError, match=f"{servers[0].url} is 'parrot' with the weights beef"):
            completer.identity()


def test_failed_attempts_cost_device_time_too() -> None:
    request = request_of(1)
    torn = Faulty(completion_app(Ledger(), delay_s=0.02), cut_after(2), at_most=1)
    with pool_of(torn) as (completer, _):
        (came,) = answers([request], completer.complete([request]))
    assert came.device_s >= sum(one.seconds for one in came.attempts)
    assert [one.outcome for one in came.attempts] == ["cut off", "ok"]


def test_servers_of_one_kind_have_one_identity() -> None:
    apps = [completion_app(Ledger(), name=name) for name in "ab"]
    with pool_of(*apps) as (completer, _):
        assert completer.identity() == Identity("parrot", "c0ffee", "1.0")


def test_a_checkpoint_that_servers_do_not_tell_is_taken_from_the_configuration() -> None:
    app = completion_app(Ledger(), checkpoint="")
    with pool_of(app, checkpoint="feed") as (completer, _):
        assert completer.identity() == Identity("parrot", "feed", "1.0")
    with pool_of(app) as (completer, _):
        assert completer.identity() == Identity("parrot", "", "1.0")


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"checkpoint": "beef"}, "'parrot' with the weights (beef|c0ffee) on version 1.0"),
        ({"version": "2.0"}, "on version (1|2).0"),
        ({"model": "crow"}, "'(crow|parrot)' with the weights"),
    ],
)
def test_servers_of_several_kinds_are_no_pool(other: dict[str, str], message: str) -> None:
    apps = [completion_app(Ledger()), completion_app(Ledger(), **other)]  # type: ignore[arg-type]
    with pool_of(*apps) as (completer, _), pytest.raises(UsageError, match=message):
        completer.identity()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"checkpoint": "beef"}, "serves the checkpoint c0ffee, and the configuration names beef"),
        ({"model": "crow"}, "serves parrot, not 'crow'; give its name as model"),
    ],
)
def test_a_server_of_another_model_than_was_meant_is_refused(
    settings: dict[str, str], message: str
) -> None:
    app = completion_app(Ledger())
    with pool_of(app, **settings) as (completer, _), pytest.raises(UsageError, match=message):
        completer.identity()


def test_what_is_no_server_of_completions_is_told() -> None:
    async def hello(scope: object, receive: object, send: object) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": b"hello"})  # type: ignore[operator]

    with pool_of(hello) as (completer, _), pytest.raises(UsageError, match="another format"):
        completer.identity()


def test_a_server_that_is_down_is_passed_over_and_none_at_all_is_an_error() -> None:
    with LiveServer(completion_app(Ledger())) as server:
        completer = HttpCompleter(settings_of([NOBODY, server.url]))
        assert completer.identity().model == "parrot"
        answers(REQUESTS, completer.complete(REQUESTS))
        assert completer.standings()[0].state.startswith("no connection")
        completer.close()
    completer = HttpCompleter(settings_of([NOBODY]))
    with pytest.raises(LauterError, match=r"no server answers .*no connection.*; start one"):
        completer.identity()
    completer.close()


def test_a_server_that_comes_back_as_another_gets_no_request() -> None:
    ledger = Ledger()
    apps = [completion_app(ledger, name=name) for name in "ab"]
    with pool_of(*apps) as (completer, (_, goes)):
        completer.identity()
        goes.die()
        wait_until(lambda: completer.standings()[1].state != "in service")
        goes.app = completion_app(ledger, name="b", checkpoint="beef")
        goes.start()
        wait_until(lambda: "give it a pool of its own" in completer.standings()[1].state)
        before = ledger.asked_by_server["b"]
        answers(REQUESTS, completer.complete(REQUESTS))
        assert ledger.asked_by_server["b"] == before


def test_the_key_comes_from_the_environment_and_stands_in_no_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PARROT_KEY", "hush-hush ")
    request = CompletionRequest("long", np.zeros(2000, np.int64), 7, 10, (3,))
    with LiveServer(completion_app(Ledger(), key="hush-hush")) as server:
        servers = (ServerSettings(server.url, key_variable="PARROT_KEY"),)
        completer = HttpCompleter(PoolSettings(servers))
        assert completer.identity().model == "parrot"
        (came,) = completer.complete([request])
        completer.close()
        assert "Bearer *** sent a prompt that is longer" in str(came)
        assert "hush" not in repr(came) + repr(servers)
        wrong = HttpCompleter(settings_of([server.url]))
        with pytest.raises(UsageError, match="must have /v1/models, and take the key"):
            wrong.identity()
        wrong.close()


@pytest.mark.parametrize("value", ["", "  ", "schlüssel", "two\nlines"])
def test_a_key_that_is_missing_or_no_header_is_refused_at_once(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARROT_KEY", value)
    with pytest.raises(UsageError, match="variable PARROT_KEY has no API key for http://a"):
        HttpCompleter(PoolSettings((ServerSettings("http://a", key_variable="PARROT_KEY"),)))


def test_a_request_that_is_refused_for_good_is_asked_once_and_takes_no_other_along() -> None:
    long = CompletionRequest("long", np.zeros(2000, np.int64), 7, 10, (3,))
    apps = [completion_app(Ledger(), name=name) for name in "ab"]
    with pool_of(*apps) as (completer, _):
        came = completer.complete([*REQUESTS, long])
    answers(REQUESTS, came[:-1])
    assert isinstance(came[-1], CompletionError)
    assert [attempt.outcome for attempt in came[-1].attempts] == ["http 400"]
    assert "longer than the context" in str(came[-1])


def test_where_no_server_comes_requests_are_given_up() -> None:
    completer = HttpCompleter(settings_of([NOBODY], patience=Patience(unserved_s=0.2)))
    came = completer.complete(REQUESTS)
    completer.close()
    assert all(isinstance(one, CompletionError) and one.attempts == () for one in came)
    assert "no server could be asked for 0.2 s" in str(came[0])


def test_attempts_are_bounded_hedges_among_them() -> None:
    apps = [Faulty(completion_app(Ledger(), name=name), hang()) for name in "ab"]
    changes = {"patience": Patience(first_s=0.05), "retries": Retries(3, 0.001, 0.001)}
    with pool_of(*apps, hedging=Hedging(share=1.0), **changes) as (completer, _):
        came = completer.complete(REQUESTS[:8])
    assert [len(one.attempts) for one in came] == [3] * 8


def test_nothing_is_left_of_a_pool_that_was_closed() -> None:
    process, threads = psutil.Process(), threading.active_count()
    with LiveServer(completion_app(Ledger(), delay_s=0.01)) as server:
        port = int(server.url.rpartition(":")[2])

        def connected() -> list[object]:
            return [
                one
                for one in process.net_connections("tcp")
                if one.raddr and one.raddr.port == port
            ]

        completer = HttpCompleter(settings_of([server.url], max_in_flight=16))
        with ThreadPoolExecutor(1) as caller:
            running = caller.submit(completer.complete, REQUESTS)
            wait_until(lambda: completer.standings()[0].in_flight > 0)
            assert connected()
            completer.close()
            with pytest.raises(LauterError, match="closed before all answers came"):
                running.result()
        assert not connected()
        with pytest.raises(LauterError, match="is closed; open another"):
            completer.complete(REQUESTS)
        completer.close()
    wait_until(lambda: threading.active_count() <= threads)


def test_given_up_attempts_leave_no_connection_and_free_the_server() -> None:
    ledger = Ledger()
    apps = [completion_app(ledger, name="slow", delay_s=0.5), completion_app(ledger, name="fair")]
    hedging = Hedging(after=2, share=1.0, behind=0.2)
    with pool_of(*apps, hedging=hedging) as (completer, _):
        came = answers(REQUESTS, completer.complete(REQUESTS))
        wait_until(lambda: ledger.in_flight["slow"] == 0)
        assert [one.in_flight for one in completer.standings()] == [0, 0]
    assert outcomes(came)["hedged"] > 0
    assert sum(ledger.delivered.values()) == len(REQUESTS)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (lambda: ServerSettings("localhost:8000"), "'localhost:8000' is no server's address"),
        (lambda: ServerSettings("http://me:secret@host"), "is no server's address"),
        (lambda: ServerSettings("http://a", max_in_flight=0), "give at least one request"),
        (lambda: ServerSettings("http://a", tokens_per_s=0), "rates above zero"),
        (lambda: PoolSettings(()), "at least one server"),
        (lambda: settings_of(["http://a/v1", "http://a/"]), "server http://a is in the pool twice"),
        (lambda: settings_of(["http://a"], sampling={"seed": 1}), "'seed' is no setting"),
        (lambda: settings_of(["http://a"], health_every_s=0), "health_every_s must be above zero"),
        (lambda: Patience(silence_s=0), "patience.silence_s must be above zero"),
    ],
)
def test_settings_that_make_no_sense_are_told_in_a_sentence(settings, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UsageError, match=message):
        settings()


def test_settings_pickle() -> None:
    import pickle

    settings = settings_of(["http://a"], hedging=Hedging(), retries=QUICK_RETRIES)
    assert pickle.loads(pickle.dumps(settings)) == settings
