"""Ctrl-C leaves a whole corpus and one sentence, and the same command goes on from there."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from asking import Ask, settings_in, write_lines
from started import started

from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import LauterError

MANY = "quotas.manners=[{count: 100}]"


def committed(corpus: Path) -> int:
    try:
        return Corpus.open(corpus).count()
    except LauterError:
        return 0


def ids_of(corpus: Path) -> list[str]:
    batches = Corpus.open(corpus).scan(["request_id"])
    return [request_id for batch in batches for request_id in batch["request_id"].to_pylist()]


def wait_for_rows(running: subprocess.Popen[str], corpus: Path) -> None:
    while committed(corpus) < 8:
        assert running.poll() is None, running.communicate()
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "presses"), [(1, 1), (0, 2)])
def test_a_stopped_run_goes_on_where_it_was(
    ask: Ask, tmp_path: Path, workers: int, presses: int
) -> None:
    corpus = tmp_path / "corpus"
    words = [*settings_in(tmp_path), f"engine.workers={workers}", "commit.rows=8"]
    texts = [
        {"text": f"Ship number {number} passed the island.", "language": "en"}
        for number in range(100)
    ]
    write_lines(tmp_path / "texts.jsonl", texts)
    words.append("quotas.dialects=[en-US]")
    running = started("synthesize", *words, MANY)
    wait_for_rows(running, corpus)
    for _ in range(presses):
        os.killpg(running.pid, signal.SIGINT)
        time.sleep(0.1)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130, (out, err)
    assert err == "stopped; what was written is kept, and the same command goes on\n"
    kept = ids_of(corpus)
    assert 8 <= len(kept) < 100
    answer = ask("synthesize", *words, MANY)
    assert answer.code == 0 and f"added {100 - len(kept)} rows" in answer.out
    assert ids_of(corpus)[: len(kept)] == kept and len(set(ids_of(corpus))) == 100


@pytest.mark.slow
def test_a_run_that_is_stopped_while_it_starts_leaves_nothing_behind(tmp_path: Path) -> None:
    running = started("synthesize", *settings_in(tmp_path), "engine.workers=1")
    while not (tmp_path / "corpus" / "corpus.json").exists():
        assert running.poll() is None, running.communicate()
        time.sleep(0.01)
    time.sleep(0.1)  # now the worker is importing
    os.killpg(running.pid, signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert (running.returncode, "Traceback" in err) == (130, False), err
    assert committed(tmp_path / "corpus") == 0


FIRST_WORKER = """
import signal
from lauter.pipelines.engines import processes

def tell(connection, pipeline):
    connection.send(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))

if __name__ == "__main__":
    processes._work = tell
    print(processes._started(b"").connection.recv())
"""


def test_the_first_worker_is_deaf_to_ctrl_c_from_its_first_moment_on(tmp_path: Path) -> None:
    program = tmp_path / "first_worker.py"
    program.write_text(FIRST_WORKER)
    told = subprocess.run(
        [sys.executable, "-P", program], capture_output=True, text=True, check=True
    )
    assert told.stdout == "True\n"
