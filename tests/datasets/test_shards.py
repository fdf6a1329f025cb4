"""The laws of a WebDataset export: keys, order, sizes, and a folder that is whole or not there."""

import os
import signal
import subprocess
import sys
import tarfile
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from judged_corpus import accepted_numbers, flac_of, judged_corpus, request_of

from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError
from lauter.datasets.exported import CARD, CROISSANT, SAMPLES
from lauter.datasets.marking import marks_of, unmarked
from lauter.datasets.shards import export_webdataset

ROWS = 60
SHARD_BYTES = 20_000


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return judged_corpus(tmp_path_factory.mktemp("corpus") / "corpus", ROWS, codes=True)


def keys(folder: Path) -> list[str]:
    """The keys of all shards, in their order, after a look at each pair of members."""
    found = []
    for path in sorted(folder.glob("*/recording.*.tar")):
        with tarfile.open(path) as tar:
            names = tar.getnames()
        assert [name.split(".")[1] for name in names] == ["flac", "json"] * (len(names) // 2)
        assert [n.split(".")[0] for n in names[::2]] == [n.split(".")[0] for n in names[1::2]]
        found += [name.split(".")[0] for name in names[::2]]
    return found


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_keys_are_the_accepted_request_ids_each_once(corpus: Corpus, tmp_path: Path) -> None:
    summary = export_webdataset(corpus, tmp_path / "e", shard_bytes=SHARD_BYTES)
    ids = [request_of(number).request_id for number in accepted_numbers(ROWS)]
    assert sorted(keys(tmp_path / "e")) == sorted(ids)
    assert summary.samples == len(ids) and summary.shards > 3


def test_audio_comes_out_as_it_went_in_but_for_its_mark(corpus: Corpus, tmp_path: Path) -> None:
    export_webdataset(corpus, tmp_path / "e")
    with tarfile.open(tmp_path / "e" / "train" / "recording.000000.tar") as tar:
        for number in accepted_numbers(ROWS):
            member = tar.extractfile(f"{request_of(number).request_id}.flac")
            assert member is not None
            flac = member.read()
            assert unmarked(flac) == flac_of(number)
            marks = marks_of(flac)
            assert marks is not None and marks.request_id == request_of(number).request_id


def test_the_same_seed_gives_the_same_bytes(corpus: Corpus, tmp_path: Path) -> None:
    for name in ("one", "two"):
        export_webdataset(corpus, tmp_path / name / "e", seed=5, shard_bytes=SHARD_BYTES)
    one = files(tmp_path / "one" / "e")
    assert one == files(tmp_path / "two" / "e")
    assert {SAMPLES, CARD, CROISSANT, "train/cuts.000000.jsonl.gz"} < set(one)


def test_another_seed_gives_the_same_samples_in_another_order(
    corpus: Corpus, tmp_path: Path
) -> None:
    orders = []
    for seed in (0, 1):
        export_webdataset(corpus, tmp_path / str(seed), seed=seed)
        orders.append(keys(tmp_path / str(seed)))
    assert sorted(orders[0]) == sorted(orders[1])
    assert orders[0] != orders[1]


def test_a_release_is_exported_alike_after_the_corpus_has_grown(tmp_path: Path) -> None:
    corpus = judged_corpus(tmp_path / "c", 30)
    corpus.tag("v1")
    export_webdataset(Corpus.open(tmp_path / "c", version="v1"), tmp_path / "before" / "e")
    with corpus.writing() as writer:
        writer.remove([request_of(number).request_id for number in accepted_numbers(30)[:5]])
    export_webdataset(Corpus.open(tmp_path / "c", version="v1"), tmp_path / "after" / "e")
    assert files(tmp_path / "before" / "e") == files(tmp_path / "after" / "e")
    assert export_webdataset(Corpus.open(tmp_path / "c"), tmp_path / "now").samples == 13


@pytest.mark.parametrize("shard_bytes", [1, 9_000, SHARD_BYTES])
def test_no_shard_is_larger_than_was_asked_unless_it_holds_one_sample(
    shard_bytes: int, corpus: Corpus, tmp_path: Path
) -> None:
    export_webdataset(corpus, tmp_path / "e", shard_bytes=shard_bytes)
    for path in (tmp_path / "e" / "train").glob("*.tar"):
        with tarfile.open(path) as tar:
            samples = len(tar.getnames()) // 2
        assert path.stat().st_size <= shard_bytes or samples == 1


def test_the_table_of_samples_says_where_each_lies(corpus: Corpus, tmp_path: Path) -> None:
    export_webdataset(corpus, tmp_path / "e", shard_bytes=SHARD_BYTES)
    rows = pq.read_table(tmp_path / "e" / SAMPLES).to_pylist()
    assert [row["request_id"] for row in rows] == keys(tmp_path / "e")
    for row in rows:
        data = (tmp_path / "e" / row["shard"]).read_bytes()
        members = data[row["offset"] : row["offset"] + row["size"]]
        assert members.startswith(row["request_id"].encode() + b".flac\0")
        assert flac_of(row["seed"])[-400:] in members
        assert row["codes"] == [65536, 65537 + row["seed"]]


def test_there_is_no_column_of_codes_where_there_are_none(tmp_path: Path) -> None:
    export_webdataset(judged_corpus(tmp_path / "c", 20), tmp_path / "e")
    assert "codes" not in pq.read_schema(tmp_path / "e" / SAMPLES).names


def test_progress_is_told_sample_by_sample(corpus: Corpus, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    export_webdataset(corpus, tmp_path / "e", on_sample=lambda *done: told.append(done))
    assert told == [(done, 36) for done in range(1, 37)]


def test_what_cannot_be_exported_is_said(corpus: Corpus, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="set shard_bytes above 0"):
        export_webdataset(corpus, tmp_path / "e", shard_bytes=0)
    unjudged = judged_corpus(tmp_path / "unjudged", 5, judged=False)
    with pytest.raises(UsageError, match="has not been judged"):
        export_webdataset(unjudged, tmp_path / "e")
    none_accepted = judged_corpus(tmp_path / "none", 3)
    with pytest.raises(UsageError, match=r"no utterance of the corpus .* is accepted"):
        export_webdataset(none_accepted, tmp_path / "e")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["none", "unjudged"]


KILLED = """
import os, signal, sys
from lauter.datasets.corpus import Corpus
from lauter.datasets.shards import export_webdataset

def stop(done, total):
    if done == total // 2:
        os.kill(os.getpid(), int(sys.argv[3]))

export_webdataset(Corpus.open(sys.argv[1]), sys.argv[2], shard_bytes=9000, on_sample=stop,
                  overwrite=True)
"""


@pytest.mark.parametrize("kill", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_export_leaves_what_was_there(
    kill: signal.Signals, corpus: Corpus, tmp_path: Path
) -> None:
    words = [sys.executable, "-c", KILLED, str(corpus.path), str(tmp_path / "e"), str(int(kill))]

    def run() -> "subprocess.CompletedProcess[bytes]":
        environment = os.environ | {"PYTHONSAFEPATH": "1"}
        heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # background jobs are deaf
        return subprocess.run(words, capture_output=True, env=environment, preexec_fn=heed)

    ended = run()
    assert ended.returncode != 0
    assert not (tmp_path / "e").exists()
    export_webdataset(corpus, tmp_path / "e", seed=3)
    whole = files(tmp_path / "e")
    run()
    assert files(tmp_path / "e") == whole
    visible = {path.name for path in tmp_path.iterdir() if not path.name.startswith(".")}
    assert visible == {"e"}
    if kill == signal.SIGINT:
        assert len(list(tmp_path.iterdir())) == 1
