"""What Lauter exported, Lauter imports: the same speech, with the same words and tags."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from judged_corpus import accepted_numbers, judged_corpus, request_of

from lauter.datasets.audio import audio_digest
from lauter.datasets.corpus import Corpus
from lauter.datasets.imports import Origin, WebDatasetTars, utterances_from
from lauter.datasets.shards import export_webdataset

ROWS = 60
TAGS = (
    "text", "language", "dialect", "emotion", "emotion_level", "style", "speed_level", "speaker",
    "text_licence", "sample_rate", "duration_s", "audio_digest", "transcript",
)  # fmt: skip


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return judged_corpus(tmp_path_factory.mktemp("corpus") / "corpus", ROWS)


def told(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return sorted(tuple(row[name] for name in TAGS) for row in rows)


def test_texts_tags_and_audio_come_back_to_the_bit(corpus: Corpus, tmp_path: Path) -> None:
    export_webdataset(corpus, tmp_path / "e", shard_bytes=20_000)
    batches = utterances_from(WebDatasetTars(str(tmp_path / "e" / "train"), Origin("ours")))
    imported = pa.Table.from_batches(batches).to_pylist()
    ids = [request_of(number).request_id for number in accepted_numbers(ROWS)]
    assert told(imported) == told(corpus.take(ids).to_pylist())
    assert all(audio_digest(row["audio"]) == row["audio_digest"] for row in imported)
    assert all(row["error"] is None and row["teacher"] == "import" for row in imported)


def test_all_splits_are_imported_by_a_glob(corpus: Corpus, tmp_path: Path) -> None:
    export_webdataset(corpus, tmp_path / "e", splits={"train": 0.7, "valid": 0.3})
    source = WebDatasetTars(str(tmp_path / "e" / "*" / "*.tar"))
    assert sum(batch.num_rows for batch in utterances_from(source)) == 36
