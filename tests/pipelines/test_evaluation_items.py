"""The texts of an evaluation: what was held out, whoever asks, and the voices they are said in."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from coded_export import coded_export
from judged_corpus import judged_corpus

from lauter.datasets.audio import encode_flac
from lauter.datasets.consent import Consent, Event, Leave
from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError
from lauter.datasets.lance_export import export_lance
from lauter.datasets.loader import SpeechLoader
from lauter.datasets.shards import export_webdataset
from lauter.datasets.voices import Use
from lauter.pipelines.evaluation_items import (
    items_of_corpus,
    items_of_export,
    items_of_list,
    voices_of,
)

SHARES = {"train": 0.6, "test": 0.4}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return judged_corpus(tmp_path_factory.mktemp("items") / "corpus")


@pytest.mark.parametrize("export", [export_webdataset, export_lance])
def test_a_corpus_and_its_export_hold_out_the_same_texts_in_the_same_order(
    corpus: Corpus, tmp_path: Path, export: object
) -> None:
    export(corpus, tmp_path / "e", seed=4, splits=SHARES)  # type: ignore[operator]
    drawn = items_of_corpus(corpus, shares=SHARES, split="test", seed=4)
    read = items_of_export(tmp_path / "e", split="test")
    assert [one.request for one in drawn] == [one.request for one in read]
    for one, two in zip(drawn, read, strict=True):
        assert one.recording and two.recording and one.recording.encoded == two.recording.encoded
    trained = SpeechLoader(tmp_path / "e", split="train", batch_size=99)
    texts = {sample.record["text"] for samples, _ in trained for sample in samples}
    assert texts and not texts & {one.request.prompt.text for one in drawn}


def test_the_teacher_as_it_is_has_its_rejected_speech_too(corpus: Corpus) -> None:
    accepted = items_of_corpus(corpus, shares=SHARES, split="test")
    everything = items_of_corpus(corpus, shares=SHARES, split="test", accepted_only=False)
    ids = {one.request.request_id for one in accepted}
    assert ids < {one.request.request_id for one in everything}
    assert all(one.recording_s == 0.5 for one in everything)


def test_nobody_is_evaluated_on_speech_that_was_withdrawn(tmp_path: Path) -> None:
    corpus = judged_corpus(tmp_path / "corpus", speakers=("ada", "sam"))
    said = Consent("2026-05-03T12:00:00+00:00", "ada", Event.WITHDRAWN, "herself")
    leave = Leave(Use.RESEARCH, date(2026, 11, 22), ledger=(said,))
    for there, asked in (({"ada", "sam"}, None), ({"sam"}, leave)):
        items = items_of_corpus(corpus, shares=SHARES, split="test", leave=asked)
        assert {one.request.prompt.speaker for one in items} == there


def test_fewer_texts_are_the_first_ones(corpus: Corpus, tmp_path: Path) -> None:
    export_webdataset(corpus, tmp_path / "e", splits=SHARES)
    whole = items_of_corpus(corpus, shares=SHARES, split="test")
    few = items_of_corpus(corpus, shares=SHARES, split="test", count=3)
    assert [one.request for one in few] == [one.request for one in whole[:3]]
    assert len(items_of_export(tmp_path / "e", split="test", count=3)) == 3


def test_a_split_that_is_not_there_is_one_sentence(corpus: Corpus, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing in the split 'valid' \(train 20, test 16\)"):
        items_of_corpus(corpus, shares=SHARES, split="valid")
    export_webdataset(corpus, tmp_path / "e", splits=SHARES)
    with pytest.raises(UsageError, match="has no split 'valid'; it has test, train"):
        items_of_export(tmp_path / "e", split="valid")


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    tone = (0.3 * np.sin(np.arange(16_000) / 20)).astype(np.float32)
    for name, part in (("a", tone), ("b", tone[:9000])):
        (tmp_path / f"{name}.wav").write_bytes(encode_flac(part, 16_000))
    (tmp_path / "meta.lst").write_text("x|We met.|a.wav|Hello.\ny|So long.|b.wav|Hi.|a.wav\n")
    return tmp_path / "meta.lst"


def test_each_text_of_a_list_has_a_voice_of_its_own(listed: Path) -> None:
    first, second = items_of_list(listed, "en")
    assert first.recording is None and second.recording is not None
    voices = voices_of([first, second]).to_pylist()
    assert [(row["speaker"], row["dialect"], row["reference_text"]) for row in voices] == [
        ("x", "en-US", "We met."), ("y", "en-US", "So long.")
    ]  # fmt: skip
    assert voices[1]["reference_audio"] == second.reference.encoded  # type: ignore[union-attr]
    assert len({first.request.request_id, second.request.request_id}) == 2


@pytest.mark.parametrize(
    ("language", "dialect"), [("en-GB", "en-GB"), ("zh", "cmn"), ("ja", "ja-JP")]
)
def test_a_language_means_its_first_dialect(listed: Path, language: str, dialect: str) -> None:
    (item,) = items_of_list(listed, language, count=1)
    assert item.request.prompt.dialect == dialect
    with pytest.raises(UsageError, match="has no place here"):
        items_of_list(listed, "tlh")


def test_an_export_lends_the_voice_of_a_neutral_sample_of_another_split(tmp_path: Path) -> None:
    coded_export(tmp_path / "e", least_samples=16_000)
    items = items_of_export(tmp_path / "e", split="valid")
    trained = {
        sample.record["text"]
        for samples, _ in SpeechLoader(tmp_path / "e", batch_size=9)
        for sample in samples
    }
    for item in items:  # its British speech is all of joy
        if item.request.prompt.dialect == "en-GB":
            assert item.reference is None
        else:
            assert item.reference is not None and item.reference_text in trained
    assert {row["dialect"] for row in voices_of(items).to_pylist()} == {"en-US", "cmn"}
