"""A writer asks a server on a socket whose model is a fake that misbehaves in every known way."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from chat_server import (
    Chat,
    ending,
    failing,
    good,
    in_fences,
    refusing,
    saying,
    sentence,
    short_of_one,
    texts,
)
from fastapi import Response
from live_server import LiveServer

from lauter.datasets.errors import LauterError, UsageError
from lauter.datasets.tags import Emotion, Language
from lauter.teacher.writer.endpoint import EndpointWriter
from lauter.teacher.writer.faults import FaultKind
from lauter.teacher.writer.gather import Gathering
from lauter.teacher.writer.near_duplicates import NearDuplicates
from lauter.teacher.writer.protocol import Conditions
from lauter.teacher.writer.task import LENGTHS, Genre, Kind, Seed, Topic, Wanted, WritingTask

JOY = Wanted(Language.ENGLISH, "en-US", Emotion.JOY, 3)
TASK = WritingTask(JOY, Kind(Topic.FOOD, Genre.STATEMENT), 3, Seed("Salt keeps for ever.", "CC0"))


@contextmanager
def writer_of(server: LiveServer, cache: Path, **settings: Any) -> Iterator[EndpointWriter]:
    quick = {"base_s": 0.01, "longest_s": 0.05, "retries": 3, "concurrency": 2, "timeout_s": 5.0}
    writer = EndpointWriter(
        Conditions(LENGTHS, 7, cache), url=server.url, model="fake", **{**quick, **settings}
    )
    try:
        yield writer
    finally:
        writer.close()


class Run:
    """What came of asking a server for tasks."""

    def __init__(self, gathering: Gathering, rows: list[dict[str, Any]], chat: Chat) -> None:
        self.texts = [row["text"] for row in rows]
        self.rows = rows
        self.tally = gathering.tally
        self.letters = gathering.dead_letters
        self.asks = [body["messages"][-1]["content"] for body in chat.bodies]


Ask = Callable[..., Run]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    def asked(chat: Chat, *tasks: WritingTask, cache: str = "a.sqlite", **settings: Any) -> Run:
        rows: list[dict[str, Any]] = []
        with (
            LiveServer(chat.app()) as server,
            writer_of(server, tmp_path / cache, **settings) as writer,
        ):
            gathering = Gathering(writer, LENGTHS, NearDuplicates(), rows.append)
            gathering.run(tasks or [TASK])
        return Run(gathering, rows, chat)

    return asked


def test_a_good_answer_gives_texts_with_their_origin(ask: Ask) -> None:
    run = ask(Chat(), licence="Apache-2.0")
    assert len(run.texts) == 3 and not run.letters
    row = run.rows[0]
    assert row["text_source"] == f"writer:fake:{row['template'][:8]}"
    assert (row["text_licence"], row["seed_text"]) == ("Apache-2.0", "Salt keeps for ever.")
    assert (row["dialect"], row["emotion"], row["emotion_level"]) == ("en-US", "joy", 3)
    assert (run.tally.paid, run.tally.prompt_tokens, run.tally.completion_tokens) == (1, 100, 10)


def test_what_is_asked_says_dialect_emotion_level_genre_topic_length_and_seed(ask: Ask) -> None:
    (said,) = ask(Chat()).asks
    for word in ("American", "joy", "3 of 5", "a person says", "food", "20 to 60", "Salt keeps"):
        assert word in said


def test_json_in_fences_among_prose_is_taken(ask: Ask) -> None:
    assert len(ask(Chat([in_fences])).texts) == 3


@pytest.mark.parametrize(
    ("behaviour", "kind", "told"),
    [
        (saying("Here are three texts: one, two, three."), FaultKind.PROSE, "not JSON"),
        (saying("I'm sorry, but I can't help."), FaultKind.REFUSED, "refused"),
        (refusing, FaultKind.REFUSED, "refused"),
        (ending("", "content_filter"), FaultKind.REFUSED, "refused"),
        (saying('{"sentences": ["One."]}'), FaultKind.WRONG_FORM, "another form"),
        (saying('{"texts": [1, 2, 3]}'), FaultKind.WRONG_FORM, "another form"),
        (ending('{"texts": ["The lantern', "length"), FaultKind.CUT_OFF, "cut off"),
        (short_of_one, FaultKind.TOO_FEW, "2 came"),
        (texts(*["The very same text again and again."] * 3), FaultKind.REPEATED, "repeats"),
        (texts("今天晚上我们去海边吃饭，好不好？"), FaultKind.WRONG_LANGUAGE, "Latin letters"),
        (
            texts("El perro de mi hermana no está en la casa."),
            FaultKind.WRONG_LANGUAGE,
            "in Spanish",
        ),
        (texts("So " + "very " * 20 + "long."), FaultKind.TOO_LONG, "60 are the most"),
        (texts("Oh, no."), FaultKind.TOO_SHORT, "20 are the least"),
        (texts("Read it at https://example.org today."), FaultKind.UNSAYABLE, "https:"),
        (texts("What a day, what a lovely day \U0001f600"), FaultKind.UNSAYABLE, "cannot be said"),
        (texts("I could murder him, I swear I could."), FaultKind.UNSAFE, "violence"),
        (texts("... ... ... ... ... ... ..."), FaultKind.EMPTY, "no words"),
        (saying('{"texts": ["half a sign \\ud83d and no more"]}'), FaultKind.UNSAYABLE, "\ufffd"),
    ],
)
def test_a_bad_answer_is_asked_again_with_what_was_wrong(
    ask: Ask, behaviour: Any, kind: FaultKind, told: str
) -> None:
    run = ask(Chat([behaviour, good]))
    assert len(run.texts) == 3 and not run.letters
    assert run.tally.faults[kind] >= 1
    first, again = run.asks
    assert "could not be used" not in first
    assert told in again


@pytest.mark.parametrize("behaviour", [saying("No JSON here."), refusing, texts("Oh, no.")])
def test_what_stays_bad_is_a_dead_letter_and_nothing_good_is_lost(ask: Ask, behaviour: Any) -> None:
    other = replace(TASK, number=1)
    run = ask(Chat([good, behaviour]), TASK, other, attempts=2, concurrency=1)
    assert len(run.texts) == 3
    (letter,) = run.letters
    shown = letter.as_dict()
    assert all(fault["sentence"] for fault in shown["faults"])
    assert (shown["task"]["number"], shown["missing"]) == (1, 3)
    assert "could not be used" in shown["ask"]["messages"][-1]["content"]
    assert shown["answer"]


def test_texts_that_are_good_are_kept_and_only_the_others_asked_again(ask: Ask) -> None:
    mixed = texts("The kettle sang all morning long.", "Short.", "Nobody saw the parrot leave.")
    run = ask(Chat([mixed, good]))
    assert run.texts[:2] == ["The kettle sang all morning long.", "Nobody saw the parrot leave."]
    again = run.asks[1]
    assert "Write 1 new texts" in again
    assert "The kettle sang all morning long." in again
    assert len(run.texts) == 3


def test_a_server_that_knows_no_response_format_is_asked_without_it(ask: Ask) -> None:
    chat = Chat(knows_schema=False)
    run = ask(chat, TASK, replace(TASK, number=1), concurrency=1)
    assert len(run.texts) == 6
    assert ["response_format" in body for body in chat.bodies] == [True, False, False]


def test_a_busy_server_is_asked_again_when_it_wishes(ask: Ask) -> None:
    chat = Chat([failing(429, Retry_After="0.6"), good])
    run = ask(chat)
    assert len(run.texts) == 3 and run.tally.paid == 1
    assert chat.times[1] - chat.times[0] >= 0.6


def test_a_server_that_fails_for_a_moment_costs_nothing_but_time(ask: Ask) -> None:
    run = ask(Chat([failing(503), failing(500), good]))
    assert len(run.texts) == 3 and not run.tally.faults


@pytest.mark.parametrize("said", ["<html>hi</html>", "[]", '{"choices": []}', "null"])
def test_what_is_no_chat_completion_is_asked_again_and_never_kept(ask: Ask, said: str) -> None:
    proxy = Chat([lambda body: Response(said)])
    with pytest.raises(LauterError) as raised:
        ask(proxy)
    sentence_of_it = str(raised.value)
    assert sentence_of_it.startswith("http://127.0.0.1:")
    assert f"3 attempts (http 200, but no chat completion: {said})" in sentence_of_it
    assert len(proxy.bodies) == 3
    mended = ask(Chat())
    assert len(mended.texts) == 3 and not mended.tally.faults
    assert (mended.tally.paid, mended.tally.cached) == (1, 0)


def test_a_server_that_is_gone_is_named_in_one_sentence(tmp_path: Path) -> None:
    with (
        LiveServer(Chat().app()) as server,
        writer_of(server, tmp_path / "a.sqlite") as writer,
    ):
        server.die()
        gathering = Gathering(writer, LENGTHS, NearDuplicates(), lambda row: None)
        with pytest.raises(LauterError, match=r"gave no answer in 3 attempts .* run the same"):
            gathering.run([TASK])


def test_an_ask_that_the_server_will_not_take_is_a_dead_letter_and_the_others_go_on(
    ask: Ask,
) -> None:
    run = ask(Chat([failing(413), good]), TASK, replace(TASK, number=1), attempts=1, concurrency=1)
    assert len(run.texts) == 3
    (letter,) = run.letters
    (fault,) = letter.faults
    assert fault.kind == FaultKind.SERVER and "http 413" in fault.sentence


@pytest.mark.parametrize(("status", "told"), [(401, "refuses the key"), (404, "no chat endpoint")])
def test_a_wrong_key_or_address_ends_the_run_at_once(ask: Ask, status: int, told: str) -> None:
    chat = Chat([failing(status)])
    with pytest.raises(UsageError, match=told):
        ask(chat)
    assert len(chat.bodies) <= 2


def test_the_key_comes_from_the_environment_and_is_never_shown(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WRITER_KEY", "s3cret")
    assert len(ask(Chat(key="s3cret"), key_variable="WRITER_KEY").texts) == 3
    monkeypatch.setenv("WRITER_KEY", "wr0ng")
    with pytest.raises(UsageError) as raised:
        ask(Chat(key="s3cret"), key_variable="WRITER_KEY", cache="b.sqlite")
    assert "wr0ng" not in str(raised.value) and "***" in str(raised.value)


def test_the_same_ask_is_never_paid_twice(ask: Ask) -> None:
    tasks = [replace(TASK, number=number) for number in range(3)]
    first = ask(Chat([saying("prose"), good]), *tasks)
    chat = Chat()
    second = ask(chat, *tasks)
    assert second.texts == first.texts
    assert not chat.bodies
    assert (second.tally.paid, second.tally.cached) == (0, first.tally.paid)
    assert second.tally.prompt_tokens is None


def test_a_temperature_written_as_a_whole_number_is_the_same_ask(ask: Ask) -> None:
    first = ask(Chat(), temperature=1)
    assert ask(chat := Chat(), temperature=1.0).texts == first.texts
    assert not chat.bodies


def test_no_more_texts_are_kept_than_were_asked_for(ask: Ask) -> None:
    plenty = [f"{chr(65 + n) * 3} {sentence(str(n))}" for n in range(9)]
    run = ask(Chat([texts(*plenty)]))
    assert run.texts == plenty[: TASK.count] and not run.tally.faults


def test_tasks_that_say_the_same_get_answers_of_their_own(ask: Ask) -> None:
    run = ask(Chat(), *(replace(TASK, number=number) for number in range(4)))
    assert len(set(run.texts)) == 12


def test_the_same_answers_give_the_same_rows_however_many_are_asked_at_once(ask: Ask) -> None:
    tasks = [replace(TASK, number=number) for number in range(8)]
    alone = ask(Chat(), *tasks, concurrency=1, cache="alone.sqlite")
    crowd = ask(Chat(delay_s=0.01), *tasks, concurrency=8, cache="crowd.sqlite")
    assert alone.rows == crowd.rows


def test_so_many_asks_are_under_way_at_once(tmp_path: Path) -> None:
    everybody = threading.Barrier(4, timeout=5)

    def together(body: dict[str, Any]) -> str:
        everybody.wait()  # breaks, and so fails the test, if fewer than four come
        return good(body)

    rows: list[dict[str, Any]] = []
    with (
        LiveServer(Chat([together]).app()) as server,
        writer_of(server, tmp_path / "a.sqlite", concurrency=4) as writer,
    ):
        tasks = [replace(TASK, number=number) for number in range(4)]
        Gathering(writer, LENGTHS, NearDuplicates(), rows.append).run(tasks)
    assert len(rows) == 12


def test_answers_under_way_are_kept_when_the_caller_stops(tmp_path: Path) -> None:
    chat = Chat(delay_s=0.3)
    tasks = [replace(TASK, number=number) for number in range(6)]
    with LiveServer(chat.app()) as server:
        with writer_of(server, tmp_path / "a.sqlite", concurrency=2) as writer:

            def stop(row: dict[str, Any]) -> None:
                raise KeyboardInterrupt

            with pytest.raises(KeyboardInterrupt):
                Gathering(writer, LENGTHS, NearDuplicates(), stop).run(tasks)
        paid = chat.answered
        assert 2 <= paid < 6
        rows: list[dict[str, Any]] = []
        with writer_of(server, tmp_path / "a.sqlite", concurrency=2) as writer:
            gathering = Gathering(writer, LENGTHS, NearDuplicates(), rows.append)
            gathering.run(tasks)
    assert gathering.tally.cached == paid
    assert chat.answered == 6 and len(rows) == 18


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"url": "", "model": "m"}, "writer.url"),
        ({"url": "http://host", "model": ""}, "writer.model"),
        ({"url": "ftp://host", "model": "m"}, "no server's address"),
        ({"url": "http://host", "model": "m", "concurrency": 0}, "writer.concurrency is '0'; "),
        ({"url": "http://host", "model": "m", "concurrency": "abc"}, "concurrency is 'abc'; "),
        ({"url": "http://host", "model": "m", "max_tokens": 1.5}, r"writer.max_tokens is '1\.5'; "),
        ({"url": "http://host", "model": "m", "attempts": 0}, "writer.attempts is '0'; "),
        ({"url": "http://host", "model": "m", "retries": 0}, "writer.retries is '0'; "),
        ({"url": "http://host", "model": "m", "temperature": -1}, "writer.temperature is '-1'; "),
        ({"url": "http://host", "model": "m", "base_s": "soon"}, "writer.base_s is 'soon'; "),
        ({"url": "http://host", "model": "m", "timeout_s": 0}, "writer.timeout_s is 0; "),
        ({"url": "http://host", "model": "m", "key_variable": "NOBODY_SET"}, "NOBODY_SET"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    tmp_path: Path, settings: dict[str, Any], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        EndpointWriter(Conditions(LENGTHS, 0, tmp_path / "a.sqlite"), **settings)
