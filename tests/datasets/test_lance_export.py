"""A Lance export holds all that the corpus says of its accepted rows, and nothing else."""

from pathlib import Path

import lance
import pytest
from judged_corpus import accepted_numbers, flac_of, judged_corpus, request_of

from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError
from lauter.datasets.exported import SPEECH
from lauter.datasets.lance_export import export_lance
from lauter.datasets.marking import marks_of, unmarked
from lauter.datasets.selection import select

ROWS = 60
SHARES = {"train": 0.7, "valid": 0.3}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return judged_corpus(tmp_path_factory.mktemp("corpus") / "corpus", ROWS, codes=True)


def test_lance_reads_audio_records_and_splits(corpus: Corpus, tmp_path: Path) -> None:
    summary = export_lance(corpus, tmp_path / "e", splits=SHARES)
    rows = lance.dataset(str(tmp_path / "e" / SPEECH)).to_table().to_pylist()
    assert sorted(row["seed"] for row in rows) == accepted_numbers(ROWS)
    for row in rows:
        assert unmarked(row["audio"]) == flac_of(row["seed"])
        marks = marks_of(row["audio"])
        assert marks is not None and marks.request_id == row["request_id"]
        assert (row["synthetic"], row["voice_licence"]) == ("yes", marks.voice_licence)
        assert row["text"] == request_of(row["seed"]).prompt.text
        assert row["request_id"] == request_of(row["seed"]).request_id
        assert row["codes"] == [65536, 65537 + row["seed"]]
        assert "attempts" not in row
    counted = {split: sum(row["split"] == split for row in rows) for split in SHARES}
    assert counted == summary.splits
    assert summary.audio_bytes == sum(len(row["audio"]) for row in rows)


def test_rows_come_in_the_order_of_the_shards(corpus: Corpus, tmp_path: Path) -> None:
    export_lance(corpus, tmp_path / "e", seed=4, splits=SHARES)
    selection = select(corpus, seed=4, splits=SHARES)
    wanted = [
        request_id
        for split in selection.splits
        for batch in selection.batches(split)
        for request_id in batch["request_id"].to_pylist()
    ]
    stored = lance.dataset(str(tmp_path / "e" / SPEECH)).to_table(["request_id"])
    assert stored["request_id"].to_pylist() == wanted


def test_columns_keep_their_descriptions(corpus: Corpus, tmp_path: Path) -> None:
    export_lance(corpus, tmp_path / "e")
    schema = lance.dataset(str(tmp_path / "e" / SPEECH)).schema
    assert all(b"description" in (field.metadata or {}) for field in schema)


def test_a_failure_leaves_nothing_and_an_export_is_not_overwritten_unasked(
    corpus: Corpus, tmp_path: Path
) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_lance(corpus, tmp_path / "e", on_sample=stop)
    assert list(tmp_path.iterdir()) == []
    export_lance(corpus, tmp_path / "e")
    with pytest.raises(UsageError, match=r"set export\.overwrite=true"):
        export_lance(corpus, tmp_path / "e")
    assert export_lance(corpus, tmp_path / "e", seed=1, overwrite=True).samples == 36
