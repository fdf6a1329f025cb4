"""One writer at a time, and a lock that nobody's death leaves behind."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import restless_writer
from canned_utterances import utterances

from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError

HOLD = """
import os, sys, time
from lauter.datasets.corpus import Corpus
with Corpus.open(sys.argv[1]).writing():
    if sys.argv[2] == "fork" and os.fork() == 0:
        print(os.getpid(), flush=True)
        time.sleep(60)
    elif sys.argv[2] != "fork":
        print(os.getpid(), flush=True)
    time.sleep(60)
"""


def holding(corpus: Corpus, how: str) -> tuple["subprocess.Popen[str]", int]:
    """Start a process that writes ``corpus``; return it and the id that it or its child prints."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(corpus.path), how], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def test_a_second_writer_is_told_of_the_first(tmp_path: Path) -> None:
    corpus = Corpus.create(tmp_path / "corpus")
    holder, number = holding(corpus, "plain")
    try:
        with pytest.raises(UsageError, match=f"process {number} on .* since 20"), corpus.writing():
            pass
        with pytest.raises(UsageError, match=f"process {number} on .* since 20"):
            corpus.tag("while-it-is-written")
    finally:
        holder.kill()
        holder.wait()
    with corpus.writing() as writer:
        writer.append(utterances(range(5)))
    assert corpus.count() == 5


def test_the_lock_dies_with_the_writer_though_its_forked_child_lives(tmp_path: Path) -> None:
    corpus = Corpus.create(tmp_path / "corpus")
    holder, child = holding(corpus, "fork")
    try:
        with pytest.raises(UsageError, match=f"process {holder.pid}"), corpus.writing():
            pass
        holder.kill()
        holder.wait()
        with corpus.writing() as writer:
            writer.append(utterances(range(5)))
    finally:
        os.kill(child, signal.SIGKILL)
    assert corpus.count() == 5


def test_the_same_process_cannot_write_twice_either(tmp_path: Path) -> None:
    corpus = Corpus.create(tmp_path / "corpus")
    again = Corpus.open(corpus.path)
    with corpus.writing() as writer:
        with pytest.raises(UsageError, match=f"process {os.getpid()}"), again.writing():
            pass
        writer.append(utterances(range(5)))
    with again.writing():
        assert again.count() == 5


@pytest.mark.slow
def test_a_writer_killed_at_any_moment_leaves_whole_commits(tmp_path: Path) -> None:
    path = tmp_path / "corpus"
    moments = random.Random(0)
    for _ in range(8):
        process = subprocess.Popen(
            [sys.executable, restless_writer.__file__, str(path)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None and process.stdout.readline() == "writing\n"
        time.sleep(moments.uniform(0.0, 0.4))
        process.kill()
        process.wait()
        survivor = Corpus.open(path)
        count = survivor.count()
        assert count % 5 == 0
        ids = ids_of_whole_rows(survivor)
        assert len(set(ids)) == len(ids) == count
        for policy in survivor.policies():
            assert len(survivor.verdicts(policy)) == 5
        survivor.digest()
    assert count > 0


def ids_of_whole_rows(corpus: Corpus) -> list[str]:
    """Read every byte of the corpus; return the ids."""
    ids: list[str] = []
    for batch in corpus.scan():
        for request_id, audio, error in zip(
            *(batch[name].to_pylist() for name in ("request_id", "audio", "error_kind")),
            strict=True,
        ):
            assert (audio is None) != (error is None)
            assert audio is None or len(audio) == 50_000
            ids.append(request_id)
    return ids
