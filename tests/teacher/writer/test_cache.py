"""Answers stay, whoever is killed, and nobody's other database is touched."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lauter.datasets.errors import UsageError
from lauter.teacher.writer.cache import AnswerCache, Kept, ask_key

DIES = """
import os, sys
from pathlib import Path
from lauter.teacher.writer.cache import AnswerCache, Kept
AnswerCache(Path(sys.argv[1])).put("ask", Kept("answer", "stop", 3, None))
os._exit(9)
"""


def test_an_answer_is_there_after_its_process_was_killed(tmp_path: Path) -> None:
    file = tmp_path / "answers.sqlite"
    died = subprocess.run([sys.executable, "-c", DIES, str(file)], check=False)
    assert died.returncode == 9
    assert AnswerCache(file).get("ask") == Kept("answer", "stop", 3, None)


def test_the_first_answer_to_an_ask_stays(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path / "answers.sqlite")
    cache.put("ask", Kept("first", "stop"))
    cache.put("ask", Kept("second", "stop"))
    assert cache.get("ask") == Kept("first", "stop")
    assert cache.get("another ask") is None


def test_the_key_is_of_the_content_of_an_ask() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "你好"}], "seed": 1}
    assert ask_key(body) == ask_key(dict(reversed(body.items())))
    assert ask_key(body) != ask_key(body | {"seed": 2})
    assert ask_key(body) == "f8ee4d18831c367b79e4737774b422f5"


def test_threads_may_share_it(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path / "answers.sqlite")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: cache.put(f"ask {n % 20}", Kept(str(n % 20), "stop")), range(200)))
    assert [cache.get(f"ask {n}") for n in range(20)] == [Kept(str(n), "stop") for n in range(20)]


def test_another_program_s_database_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "notes.sqlite"
    with sqlite3.connect(file) as other:
        other.execute("CREATE TABLE notes (text TEXT)")
    before = file.read_bytes()
    with pytest.raises(UsageError, match="database of another program"):
        AnswerCache(file)
    assert file.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "poem.txt"
    file.write_text("Sleep, little star.\n" * 100)
    with pytest.raises(UsageError, match=r"another write\.cache"):
        AnswerCache(file)
    assert file.read_text().startswith("Sleep")
