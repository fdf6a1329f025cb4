"""`lauter codec …`: a corpus gets codes once, a codec reports what it loses, and is trained."""

import json
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from asking import Ask
from judged_corpus import judged_corpus
from taught_student import write_untrained_codec
from unfit_rows import add_unfit_rows

from lauter.datasets.audio import encode_flac
from lauter.datasets.codes import find_fault
from lauter.datasets.consent import Consent, Event, Leave
from lauter.datasets.corpus import Corpus
from lauter.datasets.records import VERDICT_SCHEMA
from lauter.datasets.voices import VOICE_SCHEMA, Use
from lauter.orchestration.commands.codec_train import _speech
from lauter.student.codec.codec import SHIPPED, open_codec


def test_a_corpus_is_encoded_once_by_each_codec(ask: Ask, own: Path, tmp_path: Path) -> None:
    first = ask("codec", "encode", f"corpus={own}")
    assert first.code == 0 and "encoded 6 utterances" in first.out
    rows = list(Corpus.open(own).scan(["codes", "codec_fingerprint", "duration_s"]))
    for row in (row for batch in rows for row in batch.to_pylist()):
        assert find_fault(row["codes"]) is None
        assert len(row["codes"]) // 5 * 0.12 == pytest.approx(row["duration_s"], abs=0.121)
        assert row["codec_fingerprint"] == open_codec().fingerprint

    assert "encoded 0 utterances" in ask("codec", "encode", f"corpus={own}").out

    other = write_untrained_codec(tmp_path / "other")
    again = ask("codec", "encode", f"corpus={own}", f"codec.folder={other}")
    assert "encoded 6 utterances" in again.out
    found = Corpus.open(own).scan(["codec_fingerprint"])
    assert {name for batch in found for name in batch["codec_fingerprint"].to_pylist()} == {
        open_codec(other).fingerprint
    }


def test_what_cannot_be_encoded_is_named_by_its_request_and_not_tried_again(
    ask: Ask, own: Path
) -> None:
    unfit = add_unfit_rows(Corpus.open(own))

    first = ask("codec", "encode", f"corpus={own}")

    assert first.code == 0 and "encoded 6 utterances" in first.out
    assert f"left {len(unfit)} without codes" in first.out
    for name, sentence in unfit.items():
        (line,) = [line for line in first.out.splitlines() if name in line]
        assert sentence in line
    columns = ["request_id", "codes", "codec_fingerprint", "codec_error"]
    for batch in Corpus.open(own).scan(columns):
        for row in batch.to_pylist():
            assert (row["codes"] is None) == (row["request_id"] in unfit)
            assert unfit.get(row["request_id"], "") in (row["codec_error"] or "")
            assert row["codec_fingerprint"] == open_codec().fingerprint

    again = ask("codec", "encode", f"corpus={own}").out
    assert "encoded 0 utterances" in again and "failed" not in again
    assert f"left {len(unfit)} without codes in earlier runs" in again


def test_training_names_what_it_cannot_learn_from(ask: Ask, own: Path, tmp_path: Path) -> None:
    unfit = add_unfit_rows(Corpus.open(own))
    accept_all(own)

    answer = ask("codec", "train", f"corpus={own}", f"codec.folder={tmp_path / 'new'}")

    assert answer.code == 2 and "cannot fill a book of 1024" in answer.err
    assert f"left {len(unfit)} out" in answer.out
    assert all(name in answer.out for name in unfit)
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
def test_the_report_names_both_books_and_every_way_of_decoding(
    ask: Ask, own: Path, tmp_path: Path
) -> None:
    unfit = add_unfit_rows(Corpus.open(own))
    accept_all(own)
    silence_voices(own, "ja-JP")
    folder = Path(shutil.copytree(SHIPPED, tmp_path / "mine"))
    words = [f"codec.folder={folder}", "codec.keep_report=true", "codec.count=12"]
    words += [f"codec.report={tmp_path / 'report'}", "evaluate.resamples=100"]

    answer = ask("codec", "report", f"corpus={own}", *words)

    assert answer.code == 0, answer.err
    report = json.loads((tmp_path / "report" / "codec.json").read_text())
    measured_on = report["measured_on"]
    left_out = measured_on["left_out"]
    assert f"left {len(unfit) + 3} out of the report" in answer.out
    assert len(left_out) == len(unfit) + 3 and unfit.keys() < left_out.keys()
    assert sum("cannot be had: the reference" in why for why in left_out.values()) == 3
    assert all(name in answer.out for name in left_out)
    assert report["utterances"] == 3 and 1 <= measured_on["texts"] <= 3
    assert measured_on["split"] == "train" and measured_on["recogniser"] == "whisper-base"
    assert measured_on["corpus"] == Corpus.open(own).digest()

    assert json.loads((folder / "evaluation.json").read_text()) == report
    codec = open_codec(folder)
    assert codec.fingerprint == open_codec().fingerprint == report["codec"]
    codec.save(folder, {})
    assert not (folder / "evaluation.json").exists()
    assert report["books"]["linguistic"]["size"] == 1024
    assert report["books"]["semantic"]["size"] == 4096
    assert set(report["systems"]) == {
        "teacher", "dual", "linguistic only", "semantic only", "dual, Griffin-Lim",
    }  # fmt: skip
    assert "perplexity" in answer.out


def test_a_report_without_a_usable_voice_says_whose(ask: Ask, own: Path) -> None:
    silence_voices(own, "ja-JP", "en-US")

    answer = ask("codec", "report", f"corpus={own}")

    assert answer.code == 2
    assert "can be resynthesised" in answer.err and "recording is silent" in answer.err


def accept_all(folder: Path) -> None:
    corpus = Corpus.open(folder)
    verdicts = [
        {"request_id": name, "policy": "lenient", "accepted": True, "failed_gates": []}
        for batch in corpus.scan(["request_id"])
        for name in batch["request_id"].to_pylist()
    ]
    with corpus.writing() as writer:
        table = pa.Table.from_pylist(verdicts, schema=VERDICT_SCHEMA)
        writer.put_verdicts("lenient", "lenient", "gates: []\n", table)


def silence_voices(folder: Path, *dialects: str) -> None:
    corpus = Corpus.open(folder)
    silence = encode_flac(np.zeros(24000, np.float32), 24000)
    voices = [row for row in corpus.voices().to_pylist() if row["dialect"] in dialects]
    with corpus.writing() as writer:
        silent = [row | {"reference_audio": silence} for row in voices]
        writer.put_voices(pa.Table.from_pylist(silent, schema=VOICE_SCHEMA))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["codec", "report", "corpus={own}", "codec.keep_report=true"], "codec.folder=my-codec"),
        (["codec", "train", "corpus={own}"], "codec.folder=my-codec"),
        (["codec", "train", "corpus={own}", "codec.folder={new}"], "cannot fill a book of 1024"),
        (["codec", "train", "corpus={own}", "codec.folder={own}"], "is no codec; name another"),
        (["codec", "encode", "corpus={own}", "codec.folder={new}"], "is no codec"),
        (["codec", "encode", "corpus={own}", "codec.device=abacus"], "set codec.device=cpu"),
        (["codec", "report", "corpus={own}", "codec.device=abacus"], "set codec.device=cpu"),
        (["codec", "report", "corpus={own}", "codec.released={new}"], "leave codec.released out"),
        (
            [
                "codec",
                "train",
                "corpus={own}",
                "codec.folder={new}",
                "codec.init=shipped",
                "codec.only_vocoder=true",
            ],
            "codec.init leaves the vocoder as it is",
        ),
        (["codec", "melt"], "there is no command 'codec"),
        (["codec"], "there is no command 'codec'"),
    ],
)
def test_what_cannot_be_done_with_a_codec_is_said(
    ask: Ask, own: Path, tmp_path: Path, words: list[str], sentence: str
) -> None:
    answer = ask(*[word.format(own=own, new=tmp_path / "new") for word in words])

    assert answer.code == 2
    assert sentence in answer.err


def test_a_decoder_goes_on_learning_and_its_codes_stay(ask: Ask, own: Path, tmp_path: Path) -> None:
    words = [
        "codec", "train", f"corpus={own}", f"codec.folder={tmp_path / 'new'}",
        "codec.init=shipped", "codec.flow_steps=1",
    ]  # fmt: skip
    accept_all(own)
    before = ask(*words)
    assert before.code == 2 and "run `lauter codec encode` with that codec first" in before.err
    assert ask("codec", "encode", f"corpus={own}").code == 0
    answer = ask(*words)
    assert answer.code == 0, answer.err
    assert open_codec(tmp_path / "new").fingerprint == open_codec(SHIPPED).fingerprint
    assert "encoded 0 utterances" in ask(
        "codec", "encode", f"corpus={own}", f"codec.folder={tmp_path / 'new'}"
    ).out  # fmt: skip


def test_a_codec_learns_from_nobody_whose_voice_was_withdrawn(tmp_path: Path) -> None:
    corpus = judged_corpus(tmp_path / "corpus", rows=8, samples=8000, speakers=("ada", "sam"))
    said = Consent("2026-05-03T12:00:00+00:00", "ada", Event.WITHDRAWN, "herself")
    leave = Leave(Use.RESEARCH, date(2026, 11, 22), ledger=(said,))
    speech = _speech(corpus, 1.0, {"train": 1.0}, "text", {}, None, leave)
    assert {one.speaker for one in speech} == {"sam"}
