"""A corpus in S3 is the corpus on a disk: whole states, one writer, nothing lost or doubled."""

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pyarrow as pa
import pytest
import restless_writer
from canned_utterances import ids, requests, utterances
from canned_verdicts import verdicts
from judged_corpus import judged_corpus
from s3_server import Application, S3Server

from lauter.datasets import store_lock
from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import LauterError, UsageError
from lauter.datasets.store_lock import locks_in
from lauter.datasets.store_path import StorePath

WRITER = [sys.executable, restless_writer.__file__]


def test_it_holds_what_the_same_corpus_on_a_disk_holds(bucket: str, tmp_path: Path) -> None:
    there, here = judged_corpus(f"{bucket}/corpus"), judged_corpus(tmp_path / "corpus")
    assert there.digest() == here.digest() and there.policies() == here.policies()
    assert there.schema == here.schema and there.versions().keys() == here.versions().keys()
    read = [
        pa.Table.from_batches(corpus.scan_judged(accepted=True)).to_pylist()
        for corpus in (there, here)
    ]
    assert repr(read[0]) == repr(read[1])  # there are figures that are no numbers
    assert there.voices().equals(here.voices())


def test_every_change_of_it_is_a_state_that_can_be_opened_again(bucket: str) -> None:
    corpus = Corpus.create(f"{bucket}/a/corpus")
    with pytest.raises(UsageError, match="is a corpus already"):
        Corpus.create(f"{bucket}/a/corpus")
    with corpus.writing(rows_per_commit=5) as writer:
        writer.append(utterances(range(20)))
        writer.put_scores(pa.table({"request_id": ids(range(3)), "mos": [1.0, 2.0, 3.0]}))
        writer.put_verdicts("strict", "p1", "gates: []", verdicts(range(5), True))
    corpus.tag("first")
    with corpus.writing() as writer:
        writer.put_verdicts("strict", "p1", "gates: []", verdicts(range(5), False))
        writer.remove(ids(range(2)))
        writer.append(utterances(range(20, 30)))
        writer.compact()
    assert corpus.count() == 28 and corpus.count("mos IS NOT NULL") == 1
    assert corpus.pending(requests(range(40))).num_rows == 12
    assert corpus.verdicts("p1")["accepted"].to_pylist() == [False] * 5
    first = Corpus.open(corpus.path, version="first")
    assert first.count() == 20 and first.count("mos IS NOT NULL") == 3
    assert first.verdicts()["accepted"].to_pylist() == [True] * 5
    taken = corpus.take(ids(range(2, 30))[::-1], ["audio"])
    assert taken["audio"][-1].as_py() == (2).to_bytes(4) * 50
    assert not locks_in(StorePath(f"{bucket}/a/corpus"))


def test_who_has_lost_the_lock_commits_nothing(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = Corpus.create(f"{bucket}/corpus")
    with pytest.raises(LauterError, match="run the same command again"), corpus.writing() as writer:
        writer.append(utterances(range(5)))
        writer.flush()
        writer.append(utterances(range(5, 10)))
        monkeypatch.setattr(store_lock, "STALE_AFTER_S", -1.0)
        writer.flush()
    assert corpus.count() == 5


def test_a_folder_with_other_content_is_left_alone(bucket: str) -> None:
    (StorePath(bucket) / "thesis" / "chapter.txt").write_text("years of work")
    with pytest.raises(UsageError, match="has other content and is no corpus"):
        Corpus.create(f"{bucket}/thesis")
    with pytest.raises(UsageError, match=f"there is no bucket {bucket}-not-made; make it"):
        Corpus.create(f"{bucket}-not-made/corpus")
    assert list(StorePath(f"{bucket}/thesis").iterdir()) == [
        StorePath(f"{bucket}/thesis/chapter.txt")
    ]


class Until:
    """Holds the first request that writes what ends with a name, and then takes no other."""

    def __init__(self, ending: str) -> None:
        self._ending = ending
        self.reached = threading.Event()

    def __call__(self, own: Application) -> Application:
        def answer(request: WSGIEnvironment, start: StartResponse) -> Iterable[Any]:
            if request["REQUEST_METHOD"] == "PUT" and request["PATH_INFO"].endswith(self._ending):
                self.reached.set()
            if self.reached.is_set():
                start("503 Service Unavailable", [("Content-Length", "0")])
                return [b""]
            return own(request, start)  # type: ignore[no-any-return]

        return answer


@pytest.mark.parametrize("ending", [".lance", ".txn", ".manifest"])
def test_a_commit_that_was_cut_off_leaves_the_state_before_it(
    ending: str, bucket: str, s3: S3Server
) -> None:
    """A writer is killed when its rows, its transaction, or its manifest are to be written."""
    corpus = Corpus.create(f"{bucket}/corpus")
    with corpus.writing() as writer:
        writer.append(utterances(range(5), audio_bytes=50_000))
    before = corpus.digest()
    cut = Until(ending)
    with s3.around(cut):
        process = subprocess.Popen([*WRITER, str(corpus.path)], stdout=subprocess.DEVNULL)
        assert cut.reached.wait(60)
        process.kill()
        process.wait()
    survivor = Corpus.open(str(corpus.path))
    assert survivor.count() == 5 and survivor.digest() == before
    with pytest.raises(UsageError, match=f"process {process.pid} .* if it was killed"):
        survivor.tag("while-it-is-locked")
    two_minutes_later(survivor)
    with survivor.writing() as writer:
        writer.append(utterances(range(5, 10)))
    assert survivor.count() == 10


def two_minutes_later(corpus: Corpus) -> None:
    """Make the lock of a dead writer as old as it will be when others may write."""
    assert isinstance(corpus.path, StorePath)
    (lock,) = locks_in(corpus.path).values()
    holder = json.loads(lock.read_text())
    lock.write_text(json.dumps(holder | {"alive": holder["alive"] - store_lock.STALE_AFTER_S}))


@pytest.mark.slow
def test_a_writer_killed_at_any_moment_leaves_whole_commits(bucket: str) -> None:
    moments = random.Random(0)
    count = 0
    for _ in range(3):
        process = subprocess.Popen([*WRITER, f"{bucket}/corpus"], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None and process.stdout.readline() == "writing\n"
        time.sleep(moments.uniform(0.4, 2.0))
        process.kill()
        process.wait()
        survivor = Corpus.open(f"{bucket}/corpus")
        assert survivor.count() >= count
        count = survivor.count()
        found = pa.Table.from_batches(survivor.scan(), survivor.schema)
        assert count % 5 == 0 and len(set(found["request_id"].to_pylist())) == len(found) == count
        assert all(len(audio) == 50_000 for audio in found["audio"].to_pylist() if audio)
        for policy in survivor.policies():
            assert len(survivor.verdicts(policy)) == 5
        two_minutes_later(survivor)
    assert count > 0
