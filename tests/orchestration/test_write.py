"""`lauter write` as a user meets it: by rules, from a server, stopped, killed and asked wrongly."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from asking import Ask
from chat_server import Chat, good, saying
from live_server import LiveServer
from started import started

from lauter.datasets.prompts.check import sift
from lauter.datasets.prompts.file import file_texts
from lauter.orchestration.loading import load_settings
from lauter.orchestration.making import make

FEW = ["write.dialects=[en-US]", "write.emotions=[joy]", "write.count=12"]


def lines_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def endpoint(server: LiveServer, folder: Path) -> list[str]:
    return [
        *FEW, f"write.folder={folder}", "writer=endpoint", f"writer.url={server.url}",
        "writer.model=fake", "write.per_ask=3", "writer.base_s=0.01", "writer.concurrency=2",
    ]  # fmt: skip


def test_the_rules_write_texts_that_can_be_planned_from(ask: Ask, tmp_path: Path) -> None:
    folder = tmp_path / "written"
    answer = ask("write", *FEW, "write.emotions=[neutral,joy]", f"write.folder={folder}")
    assert answer.code == 0, answer.err
    assert "Written texts" in answer.out and "12/12" in answer.out
    assert str(folder / "texts.jsonl") in answer.out
    rows = lines_of(folder / "texts.jsonl")
    assert [row["row"] for row in rows] == list(range(1, 25))
    texts = file_texts(str(folder / "texts.jsonl"))
    assert texts["text"].to_pylist() == [row["text"] for row in rows]
    said, refused = sift(texts, max_characters=400)
    assert said.num_rows == 24 and not refused.num_rows
    report = json.loads((folder / "report.json").read_text())
    assert (report["asked"], report["written"], report["missing"]) == (24, 24, {})
    joy = report["parts"][1]
    assert joy["topics"] == pytest.approx(1.0) and joy["metrics"]["lengths"]["most"] <= 60
    assert not lines_of(folder / "dead-letters.jsonl")


def test_written_prompts_are_a_source_of_their_own() -> None:
    choice = ["prompts=written", "prompts.dialects=[yue]", "prompts.emotions=[joy]"]
    settings = load_settings([*choice, "prompts.count=5"])
    table = make(settings, "prompts")
    assert table.num_rows == 5
    assert set(table["dialect"].to_pylist()) == {"yue"}
    assert set(table["emotion"].to_pylist()) == {"joy"}


def test_a_server_writes_and_every_kind_of_fault_is_told_in_one_sentence(
    ask: Ask, tmp_path: Path
) -> None:
    behaviours = [saying("prose"), saying("I'm sorry, I can't."), saying('{"text": 1}'), good]
    with LiveServer(Chat(behaviours).app()) as server:
        answer = ask("write", *endpoint(server, tmp_path / "written"))
    assert answer.code == 0, answer.err
    assert "7 asks: 7 paid, 0 paid for before" in answer.out
    assert "700 tokens asked, 70 answered" in answer.out
    for told in ("prose instead of JSON: 1 time", "the writer refused: 1 time", "another form: 1"):
        assert answer.out.count(told) == 1
    assert len(lines_of(tmp_path / "written" / "texts.jsonl")) == 12


def test_what_a_server_never_mends_is_missing_and_a_dead_letter(ask: Ask, tmp_path: Path) -> None:
    with LiveServer(Chat([good, good, saying("prose")]).app()) as server:
        words = [*endpoint(server, tmp_path / "written"), "writer.attempts=2"]
        answer = ask("write", *words)
        again = ask("write", *words)
    assert answer.code == again.code == 3
    assert "6 of 12 texts are missing (en-US joy 6)" in answer.err
    letters = lines_of(tmp_path / "written" / "dead-letters.jsonl")
    assert [letter["missing"] for letter in letters] == [3, 3]
    assert {letter["answer"] for letter in letters} == {"prose"}
    assert "6 asks: 0 paid, 6 paid for before" in again.out
    assert len(lines_of(tmp_path / "written" / "texts.jsonl")) == 6


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_run_is_gone_on_with_and_pays_nothing_twice(
    ask: Ask, tmp_path: Path, how: signal.Signals
) -> None:
    chat = Chat(delay_s=0.4)
    folder = tmp_path / "written"
    with LiveServer(chat.app()) as server:
        words = [*endpoint(server, folder), "write.count=36"]
        running = started("write", *words)
        texts = folder / "texts.jsonl"
        while not texts.exists() or not texts.read_text():
            assert running.poll() is None, running.communicate()
            time.sleep(0.02)
        os.killpg(running.pid, how)
        _, err = running.communicate(timeout=30)
        if how == signal.SIGINT:
            assert running.returncode == 130
            assert err == "stopped; what was written is kept, and the same command goes on\n"
        paid = chat.answered
        before = len(lines_of(texts))
        assert 0 < before < 36
        chat.delay_s = 0.0
        answer = ask("write", *words)
    assert answer.code == 0, answer.err
    # What the server was working on when its asker was killed is all that was asked twice.
    asks = {json.dumps(body) for body in chat.bodies}
    twice = chat.answered - len(asks)
    assert twice <= (2 if how == signal.SIGKILL else 0)
    assert f"{len(asks)} asks: {chat.answered - paid} paid, {paid - twice} paid" in answer.out
    rows = lines_of(texts)
    assert len(rows) == len({row["text_id"] for row in rows}) == 36
    assert [row["row"] for row in rows] == list(range(1, 37))


def test_texts_of_earlier_runs_do_not_come_again(ask: Ask, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert ask("write", *FEW, f"write.folder={first}").code == 0
    known = f"write.known=[{first / 'texts.jsonl'}]"
    answer = ask("write", *FEW, f"write.folder={second}", known)
    assert answer.code == 0
    assert "repeats a text of an earlier run: " in answer.out
    texts = [{row["text"] for row in lines_of(one / "texts.jsonl")} for one in (first, second)]
    assert not texts[0] & texts[1]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"said": "Good morning."}', "has no column 'text'; write.known names"),
        ('{"text": "Good morning."}', "does not say its language; write.known names"),
        ("Good morning.", "cannot be read as JSON, an object a line"),
    ],
)
def test_a_known_file_that_holds_no_texts_is_named_with_the_key_that_names_it(
    ask: Ask, tmp_path: Path, content: str, told: str
) -> None:
    known = tmp_path / "known.jsonl"
    known.write_text(content)
    answer = ask("write", *FEW, f"write.folder={tmp_path / 'written'}", f"write.known=[{known}]")
    assert answer.code == 2
    assert told in answer.err and "write.known" in answer.err and answer.err.count("\n") == 1
    assert "prompts." not in answer.err


def test_what_the_rules_have_no_more_of_is_advised_without_a_key_that_they_lack(
    ask: Ask, tmp_path: Path
) -> None:
    words = [*FEW, "write.topics=[food]", "write.genres=[question]", "write.count=90"]
    answer = ask("write", *words, f"write.folder={tmp_path / 'written'}")
    assert answer.code == 3
    assert "no more texts: " in answer.out and "writer.attempts" not in answer.out


def test_runs_may_share_a_file_of_answers(ask: Ask, tmp_path: Path) -> None:
    chat = Chat()
    cache = f"write.cache={tmp_path / 'answers.sqlite'}"
    with LiveServer(chat.app()) as server:
        assert ask("write", *endpoint(server, tmp_path / "a"), cache).code == 0
        paid = chat.answered
        answer = ask("write", *endpoint(server, tmp_path / "b"), cache)
    assert chat.answered == paid
    assert "4 asks: 0 paid, 4 paid for before" in answer.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["write.dialects=[ko-KR]"], "the rules write no ko-KR"),
        (["write.dialects=[klingon]"], "there is no dialect 'klingon'"),
        (["write.emotions=[glee]"], "there is no emotion 'glee'"),
        (["write.levels=[9]"], "set levels to 0"),
        (["write.topics=[politics]"], "there is no topic 'politics'"),
        (["write.genres=[novel]"], "there is no genre 'novel'"),
        (["write.lengths.en=[60,20]"], "the lengths of 'en'"),
        (["write.count=0"], "write.count is 0"),
        (["write.dialects=[]"], "the list of dialects is empty"),
        (["write.emotions=[]"], "the list of emotions is empty"),
        (["write.emotions=[neutral,joy]", "write.levels=[]"], "the list of levels is empty"),
        (["write.alike=2"], "write.alike is 2.0; set 0.5 to 1"),
        (["write.alike=0.3"], "write.alike is 0.3; set 0.5 to 1"),
        (["write.known=[nowhere.jsonl]"], "no file nowhere.jsonl; write.known names files"),
        (["writer=endpoint"], "writer.url=http://"),
        (["writer=endpoint", "writer.url=http://127.0.0.1:9", "writer.model=m",
          "writer.key_variable=NOBODY_SET"], "NOBODY_SET"),
        (["writer=endpoint", "writer.url=http://127.0.0.1:9", "writer.model=m",
          "writer.retries=1"], "gave no answer in 1 attempts"),
        (["writer=novelist"], "there is no writer 'novelist'"),
        (["write.folder=s3://bucket/written"], "can only be on a disk"),
        (["write.cache=s3://bucket/answers"], "can only be on a disk"),
    ],
)  # fmt: skip
def test_bad_input_is_answered_with_one_sentence(
    ask: Ask, tmp_path: Path, words: list[str], told: str
) -> None:
    answer = ask("write", *FEW, f"write.folder={tmp_path / 'written'}", *words)
    assert answer.code in (1, 2)
    assert told in answer.err and answer.err.count("\n") == 1


def test_the_settings_are_explained(ask: Ask) -> None:
    answer = ask("write", "--help")
    assert "write.per_ask=8" in answer.out and "writer=endpoint|rules" in answer.out
