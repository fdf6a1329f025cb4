"""`lauter codec encode` with the released codec: a corpus gets its codes, once."""

from pathlib import Path

import pytest
from judged_corpus import judged_corpus
from small_released_codec import write_released

from lauter.datasets.codes import find_fault
from lauter.datasets.corpus import Corpus
from lauter.orchestration.command import run


def test_every_spoken_row_gets_valid_codes_and_none_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAUTER_CACHE", str(tmp_path / "cache"))
    corpus = tmp_path / "corpus"
    judged_corpus(corpus, rows=20, samples=6000)
    words = ["codec", "encode", f"corpus={corpus}"]
    words.append(f"codec.released={write_released(tmp_path / 'released')}")

    assert run(words) == 0
    assert "encoded 18 utterances" in capsys.readouterr().out
    columns = ["codes", "codec_fingerprint"]
    scan = Corpus.open(corpus).scan(columns, where="error_kind IS NULL")
    spoken = [row for batch in scan for row in batch.to_pylist()]
    assert len(spoken) == 18
    assert all(row["codes"] and find_fault(row["codes"]) is None for row in spoken)
    assert len({row["codec_fingerprint"] for row in spoken}) == 1

    assert run(words) == 0
    assert "encoded 0 utterances" in capsys.readouterr().out


def test_a_folder_that_is_not_the_release_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judged_corpus(tmp_path / "corpus", rows=3)
    words = ["codec", "encode", f"corpus={tmp_path / 'corpus'}", f"codec.released={tmp_path}"]
    assert run(words) == 2
    assert "must hold one Paraformer" in capsys.readouterr().err
