"""The corpus keeps what was committed, once, whatever happens to who writes it."""

from collections.abc import Iterator
from pathlib import Path

import lance
import pyarrow as pa
import pytest
from canned_utterances import ids, requests, utterances
from canned_verdicts import verdicts

from lauter.datasets.corpus import Corpus
from lauter.datasets.corpus_layout import VOICES, write_dataset
from lauter.datasets.errors import UsageError
from lauter.datasets.voices import VOICE_SCHEMA, Use, Voice, voice_row, voices_of


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


def test_of_an_empty_corpus_all_is_pending(tmp_path: Path) -> None:
    empty = Corpus.create(tmp_path / "empty")
    assert empty.pending(requests(range(3))) == requests(range(3))
    assert list(empty.scan()) == [] and empty.take([]).num_rows == 0


def test_failed_rows_are_pending_when_asked_for(corpus: Corpus) -> None:
    pending = corpus.pending(requests(range(105)), retry_failed=True)
    assert pending["request_id"].to_pylist() == ids(range(9, 100, 10)) + ids(range(100, 105))


def test_a_scan_yields_what_is_asked_for_in_bounded_batches(corpus: Corpus) -> None:
    batches = list(corpus.scan(["text", "seed"], where="error_kind IS NOT NULL", batch_size=3))
    assert max(batch.num_rows for batch in batches) <= 3
    rows = pa.Table.from_batches(batches)
    assert rows.schema.names == ["text", "seed"]
    assert rows["text"].to_pylist() == [f"Sentence {n}." for n in range(9, 100, 10)]


def test_rows_are_taken_in_the_order_asked_for_also_twice(corpus: Corpus) -> None:
    known = ids(range(100))
    rows = corpus.take([known[70], known[3], known[70]], ["text"])
    assert rows["text"].to_pylist() == ["Sentence 70.", "Sentence 3.", "Sentence 70."]


def test_what_another_commits_is_seen_after_a_refresh(corpus: Corpus) -> None:
    with Corpus.open(corpus.path).writing() as writer:
        writer.append(utterances(range(100, 105)))
    assert corpus.count() == 100
    corpus.refresh()
    assert corpus.count() == 105


def test_the_policy_judged_last_is_the_latest(corpus: Corpus) -> None:
    with corpus.writing() as writer:
        writer.put_verdicts("strict", "p2", "gates: []", verdicts(range(60), accepted=True))
        writer.put_verdicts("loose", "p1", "gates: [x]", verdicts(range(9), accepted=True))
    assert corpus.policies() == ["p2", "p1"]
    assert corpus.verdicts().num_rows == 9 and corpus.verdicts("p2").num_rows == 60
    assert (corpus.policy_name("p2"), corpus.policy_yaml("p2")) == ("strict", "gates: []")
    with corpus.writing() as writer:
        writer.put_verdicts("strict", "p2", "gates: []", verdicts(range(70), accepted=True))
    assert corpus.policies() == ["p1", "p2"]
    assert corpus.verdicts().num_rows == 70
    with pytest.raises(UsageError, match="not judged under the policy p3; it was under p1, p2"):
        corpus.verdicts("p3")


def test_a_tag_names_one_state_of_utterances_verdicts_and_voices(corpus: Corpus) -> None:
    voice = dict.fromkeys(VOICE_SCHEMA.names[:8], "") | {"speaker": "a", "reference_audio": b"x"}
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
    assert Corpus.open(corpus.path, version=str(number)).count() == 100
    first = Corpus.open(corpus.path, version=1)
    assert first.count() == 0 and first.policies() == []
    for forbidden in (then.writing, lambda: then.tag("later")):
        with pytest.raises(UsageError, match="read only"):
            forbidden()


def test_a_tagging_that_was_cut_off_is_no_tag_and_can_be_done_again(corpus: Corpus) -> None:
    voices = lance.dataset(str(corpus.path / "voices.lance"))
    voices.tags.create("release-1", 1)
    with corpus.writing() as writer:
        voice = dict.fromkeys(VOICE_SCHEMA.names[:8], "") | {"reference_audio": b"x"}
        writer.put_voices(pa.Table.from_pylist([voice], schema=VOICE_SCHEMA))
    assert corpus.tags() == {}
    with pytest.raises(UsageError, match="no version or tag 'release-1'"):
        Corpus.open(corpus.path, version="release-1")
    corpus.tag("release-1")
    assert corpus.tags() == {"release-1": max(corpus.versions())}
    assert Corpus.open(corpus.path, version="release-1").voices().num_rows == 1


@pytest.mark.parametrize("name", ["", "a b", "../up", ".hidden", "a..b", "a.", "x.lock", "12"])
def test_a_name_that_could_be_mistaken_is_no_tag(corpus: Corpus, name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a state"):
        corpus.tag(name)


def test_a_tag_is_given_once(corpus: Corpus) -> None:
    corpus.tag("v1.0-rc_1")
    with pytest.raises(UsageError, match=r"has a tag 'v1\.0-rc_1' already"):
        corpus.tag("v1.0-rc_1")


def test_unknown_versions_columns_and_policies_are_sentences(corpus: Corpus) -> None:
    with pytest.raises(UsageError, match="no version or tag 'nowhere'"):
        Corpus.open(corpus.path, version="nowhere")
    with pytest.raises(UsageError, match="has no column cerr"):
        list(corpus.scan(["cerr"]))
    with pytest.raises(UsageError, match="has not been judged"):
        corpus.verdicts()
    with pytest.raises(UsageError, match=r"has no request f{32}"):
        corpus.take(["f" * 32])


def test_a_corpus_from_before_the_ledger_opens_and_takes_voices(corpus: Corpus) -> None:
    """It lacks the last four columns of ``VOICE_SCHEMA``."""
    old = pa.schema(list(VOICE_SCHEMA)[:8])
    voice = dict.fromkeys(old.names, "") | {"speaker": "a", "reference_audio": b"x"}
    write_dataset(pa.Table.from_pylist([voice], schema=old), corpus.path / VOICES)
    corpus.tag("old")
    (known,) = voices_of(corpus.voices())
    assert (known.speaker, known.owner, known.allowed_uses, known.made_of) == ("a", "", (), ())
    assert corpus.voices()["reference_audio"].to_pylist() == [b"x"]
    new = Voice("b", "cmn", "", "", "", "b", owner="B", allowed_uses=(Use.RESEARCH,))
    with corpus.writing() as writer:
        row = voice_row(new, None, None)
        writer.put_voices(pa.Table.from_pylist([row], schema=VOICE_SCHEMA))
    assert voices_of(corpus.voices())[1] == new
    assert Corpus.open(corpus.path, version="old").voices().schema.equals(VOICE_SCHEMA)
