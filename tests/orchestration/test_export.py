"""`lauter export` and back: splits, both formats, and shards that are damaged on the way."""

from pathlib import Path

import pytest
from judged_corpus import judged_corpus

from lauter.datasets.corpus import Corpus
from lauter.datasets.loader import SpeechLoader
from lauter.orchestration.command import run


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "corpus"
    judged_corpus(folder)
    return folder


def sizes(folder: Path) -> dict[str, int]:
    return {split: SpeechLoader(folder, split=split).samples for split in ("train", "valid")}


def test_a_share_of_the_texts_is_kept_for_validation(corpus: Path, tmp_path: Path) -> None:
    words = ["export", f"corpus={corpus}", "export.valid=0.3"]
    for form in ("webdataset", "lance"):
        assert run([*words, f"export.folder={tmp_path / form}", f"export.format={form}"]) == 0
    assert sizes(tmp_path / "webdataset") == sizes(tmp_path / "lance") == {"train": 25, "valid": 11}


def test_shares_that_leave_nothing_to_train_on_are_a_sentence(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [f"corpus={corpus}", f"export.folder={tmp_path / 'e'}", "export.valid=1.25"]
    assert run(["export", *words]) == 2
    assert "(train -0.25, valid 1.25) are not all positive" in capsys.readouterr().err
    assert not (tmp_path / "e").exists()


def test_a_truncated_shard_ends_an_import_with_a_sentence_and_keeps_what_stood_before(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export = tmp_path / "e"
    assert run(["export", f"corpus={corpus}", f"export.folder={export}"]) == 0
    shard = export / "train" / "recording.000000.tar"
    with shard.open("r+b") as file:
        file.truncate(shard.stat().st_size // 2)
    words = [f"corpus={tmp_path / 'again'}", "source=webdataset", f"source.path={export / 'train'}"]
    assert run(["import", *words, "filters=fast", "engine.workers=0"]) == 2
    assert "recording.000000.tar is damaged after" in capsys.readouterr().err
    assert 15 <= Corpus.open(tmp_path / "again").count() <= 20  # of 36
