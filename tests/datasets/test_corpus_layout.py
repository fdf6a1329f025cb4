"""A folder is a corpus or says why not; what goes wrong on a disk is said in a sentence."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from canned_utterances import ids, utterances

from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError
from lauter.datasets.records import SCHEMA_VERSION, VERDICT_SCHEMA


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    made = Corpus.create(tmp_path / "corpus")
    with made.writing() as writer:
        writer.append(utterances(range(100), audio_bytes=2000))
    return made


def test_what_is_no_corpus_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no corpus") as raised:
        Corpus.open(tmp_path)
    assert raised.value.exit_code == 2
    with pytest.raises(UsageError, match="is no corpus"):
        Corpus.open(tmp_path / "nowhere")
    file = tmp_path / "thesis.doc"
    file.write_text("mine")
    with pytest.raises(UsageError, match="is no corpus"):
        Corpus.open(file)
    with pytest.raises(UsageError, match="has other content"):
        Corpus.create(tmp_path)
    with pytest.raises(UsageError, match="has other content"):
        Corpus.create(file)
    assert file.read_text() == "mine"


def test_a_corpus_is_made_once(corpus: Corpus) -> None:
    with pytest.raises(UsageError, match="is a corpus already"):
        Corpus.create(corpus.path)
    assert Corpus.create(corpus.path, exist_ok=True).count() == 100


def test_the_mark_is_a_format(tmp_path: Path) -> None:
    Corpus.create(tmp_path / "corpus")
    assert (tmp_path / "corpus" / "corpus.json").read_text() == '{"schema_version": 1}\n'
    assert SCHEMA_VERSION == 1


def test_a_corpus_of_a_newer_schema_is_refused_not_misread(corpus: Corpus) -> None:
    (corpus.path / "corpus.json").write_text('{"schema_version": 99}')
    with pytest.raises(UsageError, match=r"has schema 99 .* install a newer Lauter"):
        Corpus.open(corpus.path)
    with pytest.raises(UsageError, match=r"has schema 99 .* install a newer Lauter"):
        Corpus.create(corpus.path, exist_ok=True)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"schema_version": "new"}'])
def test_a_damaged_mark_says_how_to_mend_it(corpus: Corpus, content: str) -> None:
    mark = corpus.path / "corpus.json"
    mark.write_text(content)
    with pytest.raises(UsageError, match="is damaged; write") as raised:
        Corpus.open(corpus.path)
    mark.write_text(json.dumps({"schema_version": SCHEMA_VERSION}))
    assert mark.read_text() in str(raised.value)
    assert Corpus.open(corpus.path).count() == 100


def test_a_making_that_was_cut_off_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    Corpus.create(folder)
    (folder / "corpus.json").unlink()
    for manifest in (folder / "voices.lance" / "_versions").iterdir():
        manifest.unlink()
    assert Corpus.create(folder).voices().num_rows == 0


def test_rows_without_a_mark_are_not_taken_for_a_making_cut_off(corpus: Corpus) -> None:
    (corpus.path / "corpus.json").unlink()
    (corpus.path / "writer.lock").unlink()
    with pytest.raises(UsageError, match="has other content"):
        Corpus.create(corpus.path)


def test_a_first_judging_that_was_cut_off_leaves_nothing_behind(corpus: Corpus) -> None:
    half = corpus.path / "verdicts" / "p1.lance" / "data"
    half.mkdir(parents=True)
    (half / "half.lance").write_bytes(b"half")
    assert corpus.policies() == []
    corpus.tag("before-judging")
    with corpus.writing() as writer:
        columns = [pa.array(ids(range(1))), ["p1"], [True], [[]]]
        writer.put_verdicts("strict", "p1", "", pa.table(columns, schema=VERDICT_SCHEMA))
    assert corpus.policies() == ["p1"]
    assert Corpus.open(corpus.path, version="before-judging").policies() == []


def test_damaged_and_lost_files_are_sentences(corpus: Corpus) -> None:
    (data,) = (corpus.path / "utterances.lance" / "data").iterdir()
    content = data.read_bytes()
    data.write_bytes(content[: len(content) // 2])
    with pytest.raises(UsageError, match=r"could not be read .* restore it from a copy"):
        list(Corpus.open(corpus.path).scan())
    data.write_bytes(os.urandom(len(content)))
    with pytest.raises(UsageError, match=r"could not be read .* restore it from a copy"):
        Corpus.open(corpus.path).take(ids(range(3)))
    data.unlink()
    with pytest.raises(UsageError, match=r"could not be read .* restore it from a copy"):
        Corpus.open(corpus.path).pending(pa.table({"request_id": ids(range(3))}))
    for manifest in (corpus.path / "utterances.lance" / "_versions").iterdir():
        manifest.unlink()
    with pytest.raises(UsageError, match="missing or damaged: restore it from a copy"):
        Corpus.open(corpus.path)


def test_an_unknown_column_is_answered_with_a_near_one_and_never_with_all(corpus: Corpus) -> None:
    for condition, said in (("foo = 1", "named foo; write"), ("speeker = 'a'", "mean 'speaker'?;")):
        with pytest.raises(UsageError) as raised:
            corpus.count(condition)
        assert said in str(raised.value) and "audio_digest" not in str(raised.value)


def test_no_sentence_shows_where_lance_was_compiled(corpus: Corpus) -> None:
    with pytest.raises(UsageError, match="rows cannot be picked by 'nonesuch = 1'") as raised:
        corpus.count("nonesuch = 1")
    assert ".rs" not in str(raised.value)
    with pytest.raises(UsageError, match="rows cannot be picked by 'text ==='"):
        list(corpus.scan(where="text ==="))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("only root may mount the small disk that this needs")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def noisy(numbers: range) -> pa.RecordBatch:
    """Utterances of 900 kB that cannot be compressed."""
    rows = utterances(numbers)
    audio = pa.array([os.urandom(900_000) for _ in numbers], pa.large_binary())
    position = rows.schema.get_field_index("audio")
    return rows.set_column(position, rows.schema.field("audio"), audio)


def test_a_full_disk_loses_nothing_that_was_committed(small_disk: Path) -> None:
    corpus = Corpus.create(small_disk / "corpus")
    with corpus.writing() as writer:
        writer.append(utterances(range(5)))
    before = corpus.digest()
    for _ in range(3):  # the failed attempts leave nothing that would fill it for good
        refused = pytest.raises(UsageError, match=r"the disk of .* is full; .* make room and run")
        with refused, corpus.writing(rows_per_commit=5) as writer:
            writer.append(noisy(range(10, 15)))
        assert Corpus.open(corpus.path).digest() == before
    with corpus.writing() as writer:
        writer.append(noisy(range(20, 23)))
    assert corpus.count() == 8
    with pytest.raises(UsageError, match="is full"), corpus.writing() as writer:
        writer.append(noisy(range(30, 32)))
    subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
    with corpus.writing() as writer:
        writer.append(noisy(range(30, 32)))
    assert Corpus.open(corpus.path).count() == 10


def test_a_disk_without_room_for_a_corpus_says_so(small_disk: Path) -> None:
    filler = small_disk / "filler"
    filler.write_bytes(b"")
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(bytes(4096))
    with pytest.raises(UsageError, match=r"the disk of .* is full"):
        Corpus.create(small_disk / "corpus")
    filler.unlink()
    assert Corpus.create(small_disk / "corpus").count() == 0
