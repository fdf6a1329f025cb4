"""`lauter codec …`: a corpus gets codes once, a codec reports what it loses, and is trained."""

import json
from pathlib import Path

import pytest
from asking import Ask
from taught_student import write_untrained_codec
from unfit_rows import add_unfit_rows

from lauter.datasets.codes import find_fault
from lauter.datasets.corpus import Corpus
from lauter.student.codec.codec import open_codec


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


@pytest.mark.slow
def test_the_report_names_both_books_and_every_way_of_decoding(
    ask: Ask, own: Path, tmp_path: Path
) -> None:
    words = ["codec.count=2", f"codec.report={tmp_path}", "evaluate.resamples=100"]
    answer = ask("codec", "report", f"corpus={own}", *words)
    assert answer.code == 0, answer.err
    report = json.loads((tmp_path / "codec.json").read_text())
    assert report["books"]["linguistic"]["size"] == 1024
    assert report["books"]["semantic"]["size"] == 4096
    assert set(report["systems"]) == {
        "teacher", "dual", "linguistic only", "semantic only", "dual, Griffin-Lim",
    }  # fmt: skip
    assert "perplexity" in answer.out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["codec", "train", "corpus={own}"], "codec.folder=my-codec"),
        (["codec", "train", "corpus={own}", "codec.folder={new}"], "cannot fill a book of 1024"),
        (["codec", "encode", "corpus={own}", "codec.folder={new}"], "is no codec"),
        (["codec", "encode", "corpus={own}", "codec.device=abacus"], "set codec.device=cpu"),
        (["codec", "report", "corpus={own}", "codec.device=abacus"], "set codec.device=cpu"),
        (["codec", "report", "corpus={own}", "codec.released={new}"], "leave codec.released out"),
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
