"""The corpus keeps what was committed, once, whatever happens to who writes it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from canned_utterances import ids, requests, utterances
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError
from lauter.datasets.records import (
    REQUEST_SCHEMA,
    VERDICT_SCHEMA,
    described,
)
from lauter.datasets.voices import VOICE_SCHEMA


def verdicts(numbers: range, accepted: bool) -> pa.Table:
    failed = [] if accepted else [{"gate": "cer", "score": "cer", "figure": 1.0,
                                   "threshold": 0.1, "reason": "unlike its text"}]  # fmt: skip
    rows = [
        {"request_id": i, "policy": "p1", "accepted": accepted, "failed_gates": failed}
        for i in ids(numbers)
    ]
    return pa.Table.from_pylist(rows, schema=VERDICT_SCHEMA)


@pytest.fixture
def corpus(tmp_path: Path) -> Iterator[Corpus]:
    made = Corpus.create(tmp_path / "corpus")
    with made.writing() as writer:
        writer.append(utterances(range(100)))
    yield made


def test_what_was_appended_is_there_with_its_audio(corpus: Corpus) -> None:
    assert corpus.count() == 100
    (row,) = corpus.take(ids(range(42, 43)), ["text", "audio"]).to_pylist()
    assert row == {"text": "Sentence 42.", "audio": (42).to_bytes(4) * 50}


def test_only_what_is_missing_is_pending(corpus: Corpus) -> None:
    pending = corpus.pending(requests(range(90, 110)))
    assert pending["request_id"].to_pylist() == ids(range(100, 110))


def test_failed_rows_are_pending_when_asked_for_and_can_be_replaced(corpus: Corpus) -> None:
    pending = corpus.pending(requests(range(100)), retry_failed=True)
    assert pending["request_id"].to_pylist() == ids(range(9, 100, 10))
    with corpus.writing() as writer:
        writer.remove(pending["request_id"])
        writer.append(utterances(range(109, 110)))
    assert corpus.count() == 91


def test_scores_are_added_and_renewed_without_touching_the_audio(corpus: Corpus) -> None:
    data = corpus.path / "utterances.lance" / "data"
    before = {file: file.read_bytes() for file in data.iterdir()}
    field = described("cer", pa.float64(), "Character error rate")
    scores = pa.table(
        {"request_id": ids(range(50)), "cer": [0.5] * 50},
        schema=pa.schema([REQUEST_SCHEMA.field("request_id"), field]),
    )
    with corpus.writing() as writer:
        writer.put_scores(scores)
        writer.put_scores(scores.slice(0, 10).set_column(1, field, pa.array([0.25] * 10)))
    assert all(file.read_bytes() == content for file, content in before.items())
    assert corpus.count("cer = 0.25") == 10
    assert corpus.count("cer = 0.5") == 40
    assert corpus.count("cer IS NULL") == 50
    assert corpus.schema.field("cer").metadata[b"description"] == b"Character error rate"


def test_rows_with_new_columns_and_rows_without_them_live_together(corpus: Corpus) -> None:
    new = utterances(range(100, 110))
    scored = new.append_column(described("mos", pa.float64(), "Opinion"), pa.array([4.0] * 10))
    with corpus.writing() as writer:
        writer.append(scored)
        writer.append(utterances(range(110, 115)))
    assert corpus.count("mos = 4.0") == 10
    assert corpus.count() == 115


def test_verdicts_stand_beside_rows_and_the_latest_policy_counts(corpus: Corpus) -> None:
    with corpus.writing() as writer:
        writer.put_verdicts("strict", "p1", "gates: []", verdicts(range(60), accepted=True))
        mixed = pa.concat_tables([verdicts(range(30), True), verdicts(range(30, 100), False)])
        writer.put_verdicts("loose", "p2", "gates: [x]", mixed)
    assert corpus.policies() == ["p1", "p2"]
    assert corpus.policy_yaml("p2") == "gates: [x]"
    accepted = pa.Table.from_batches(corpus.scan_judged(["text"], accepted=True))
    assert accepted.num_rows == 30 and accepted.schema.names[-2:] == ["accepted", "failed_gates"]
    (first, *_) = pa.Table.from_batches(corpus.scan_judged(["text"], accepted=False)).to_pylist()
    assert first["failed_gates"][0]["gate"] == "cer"
    unjudged = pa.Table.from_batches(corpus.scan_judged(["text"], policy="p1"))
    assert unjudged["accepted"].null_count == 40


def test_a_tag_names_one_state_of_utterances_verdicts_and_voices(corpus: Corpus) -> None:
    voice = dict.fromkeys(VOICE_SCHEMA.names, "") | {"speaker": "a", "reference_audio": b"x"}
    with corpus.writing() as writer:
        writer.put_verdicts("strict", "p1", "", verdicts(range(100), accepted=True))
        writer.put_voices(pa.Table.from_pylist([voice], schema=VOICE_SCHEMA))
    corpus.tag("release-1")
    digest = corpus.digest()
    with corpus.writing() as writer:
        writer.append(utterances(range(100, 120)))
        writer.put_verdicts("strict", "p1", "", verdicts(range(120), accepted=False))
        renamed = pa.Table.from_pylist([voice | {"speaker": "b"}], schema=VOICE_SCHEMA)
        writer.put_voices(renamed)
    then = Corpus.open(corpus.path, version="release-1")
    assert then.count() == 100 and corpus.count() == 120
    assert then.voices()["speaker"].to_pylist() == ["a"]
    assert set(then.verdicts()["accepted"].to_pylist()) == {True}
    assert then.digest() == digest != corpus.digest()


def test_a_version_number_opens_the_state_before_the_next_append(corpus: Corpus) -> None:
    with corpus.writing() as writer:
        writer.put_verdicts("strict", "p1", "", verdicts(range(100), accepted=True))
    number = max(corpus.versions())
    with corpus.writing() as writer:
        writer.append(utterances(range(100, 101)))
        writer.put_verdicts("strict", "p1", "", verdicts(range(101), accepted=False))
    then = Corpus.open(corpus.path, version=number)
    assert then.count() == 100
    assert set(then.verdicts()["accepted"].to_pylist()) == {True}
    with pytest.raises(UsageError, match="read only"):
        then.writing()


@settings(deadline=None, max_examples=10, suppress_health_check=list(HealthCheck))
@given(st.permutations(range(30)), st.integers(1, 30))
def test_the_digest_knows_neither_order_nor_batches(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], size: int
) -> None:
    plain = Corpus.create(tmp_path_factory.mktemp("plain") / "corpus")
    with plain.writing() as writer:
        writer.append(utterances(range(30)))
    shuffled = Corpus.create(tmp_path_factory.mktemp("shuffled") / "corpus")
    rows = utterances(range(30)).take(pa.array(order))
    with shuffled.writing(rows_per_commit=size) as writer:
        for start in range(0, 30, size):
            writer.append(rows.slice(start, size))
    assert shuffled.digest() == plain.digest()


def test_compaction_changes_no_row(corpus: Corpus) -> None:
    with corpus.writing(rows_per_commit=1) as writer:
        for number in range(100, 110):
            writer.append(utterances(range(number, number + 1)))
        before = corpus.digest()
        writer.compact()
    assert corpus.digest() == before and corpus.count() == 110


def test_a_second_writer_is_told_of_the_first(corpus: Corpus) -> None:
    script = (
        "import sys, time; from lauter.datasets.corpus import Corpus\n"
        "with Corpus.open(sys.argv[1]).writing(): print('here', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(corpus.path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "here\n"
        with pytest.raises(UsageError, match=f"process {holder.pid} on .* since"), corpus.writing():
            pass
    finally:
        holder.kill()
        holder.wait()
    with corpus.writing() as writer:  # the lock died with its holder
        writer.append(utterances(range(100, 101)))


def test_a_writer_killed_at_any_moment_leaves_whole_commits(corpus: Corpus) -> None:
    script = "import sys; from canned_utterances import append_for_ever as go; go(sys.argv[1])"
    for pause in (0.05, 0.13, 0.31):
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(corpus.path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None and process.stdout.readline() == "writing\n"
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        process.wait()
        survivor = Corpus.open(corpus.path)
        assert survivor.count() % 5 == 0
        assert sum(batch.num_rows for batch in survivor.scan(["audio"])) == survivor.count()


def test_what_is_no_corpus_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no corpus"):
        Corpus.open(tmp_path)
    (tmp_path / "thesis.doc").write_text("mine")
    with pytest.raises(UsageError, match="has other content"):
        Corpus.create(tmp_path)


def test_a_corpus_of_a_newer_schema_is_refused_not_misread(corpus: Corpus) -> None:
    (corpus.path / "corpus.json").write_text('{"schema_version": 99}')
    with pytest.raises(UsageError, match=r"has schema 99 .* install a newer Lauter"):
        Corpus.open(corpus.path)


def test_unknown_versions_columns_and_policies_are_sentences(corpus: Corpus) -> None:
    with pytest.raises(UsageError, match="no version or tag 'nowhere'"):
        Corpus.open(corpus.path, version="nowhere")
    with pytest.raises(UsageError, match="has no column cerr"):
        list(corpus.scan(["cerr"]))
    with pytest.raises(UsageError, match="has not been judged"):
        corpus.verdicts()
    with pytest.raises(UsageError, match=r"has no request f{32}"):
        corpus.take(["f" * 32])


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


def test_a_full_disk_loses_nothing_that_was_committed(small_disk: Path) -> None:
    corpus = Corpus.create(small_disk / "corpus")
    with corpus.writing() as writer:
        writer.append(utterances(range(5)))
    filler = small_disk / "filler"
    filler.write_bytes(bytes(1 << 20))
    big = utterances(range(10, 15), audio_bytes=900_000)
    noise = pa.array([None if a is None else os.urandom(900_000) for a in big["audio"].to_pylist()],
                     pa.large_binary())  # fmt: skip
    big = big.set_column(big.schema.get_field_index("audio"), big.schema.field("audio"), noise)
    full = pytest.raises(UsageError, match="the disk of .* is full")
    with full, corpus.writing() as writer:
        writer.append(big)
    assert Corpus.open(corpus.path).count() == 5
    filler.unlink()
    with corpus.writing() as writer:
        writer.append(utterances(range(20, 25)))
    assert corpus.count() == 10
