"""Cached logits come along in both exports, and nobody who reads these stumbles over them."""

import base64
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import webdataset
from judged_corpus import judged_corpus
from lhotse import CutSet

import datasets
from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError
from lauter.datasets.exported import SAMPLES
from lauter.datasets.imports.webdataset import WebDatasetTars
from lauter.datasets.lance_export import export_lance
from lauter.datasets.loader import SpeechLoader
from lauter.datasets.records import CODEC_FIELD, REQUEST_SCHEMA, TOP_LOGITS, TOP_LOGITS_FIELDS
from lauter.datasets.shards import export_webdataset
from lauter.datasets.speech_sample import SpeechSample
from lauter.datasets.top_logits import TopLogits, compress, decompress

ROWS = 20
MARKS = {CODEC_FIELD.name: "codec-1", "top_logits_fingerprint": "teacher-1"}


def said_of(number: int) -> bytes:
    entries = np.array([[number], [number + 1]], np.int16)
    return compress(TopLogits(entries, np.full((2, 1), -0.5, np.float32), np.full(2, 0.4, "f4")))


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """A corpus in which every row but one has logits of a teacher."""
    corpus = judged_corpus(tmp_path_factory.mktemp("taught") / "corpus", ROWS, codes=True)
    rows = pa.Table.from_batches(list(corpus.scan(["request_id", "seed"])))
    scores = [
        {"request_id": row["request_id"], TOP_LOGITS: said_of(row["seed"])} | MARKS
        for row in rows.to_pylist()
        if row["seed"] != 3
    ]
    schema = pa.schema([REQUEST_SCHEMA.field("request_id"), CODEC_FIELD, *TOP_LOGITS_FIELDS])
    with corpus.writing() as writer:
        writer.put_scores(pa.Table.from_pylist(scores, schema=schema))
    return Corpus.open(corpus.path)


@pytest.fixture(scope="module")
def shards(taught: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("taught-shards") / "e"
    export_webdataset(taught, folder)
    return folder


def check(record: dict[str, object]) -> None:
    number = record["seed"]
    assert isinstance(number, int)
    if number == 3:
        assert record[TOP_LOGITS] is None and record["top_logits_fingerprint"] is None
        return
    assert record[TOP_LOGITS] == said_of(number)
    assert {name: record[name] for name in MARKS} == MARKS
    assert decompress(record[TOP_LOGITS]).entries.tolist() == [[number], [number + 1]]


@pytest.mark.parametrize("kind", ["shards", "lance"])
def test_our_loader_gives_the_bytes_back_from_either_export(
    kind: str, taught: Corpus, shards: Path, tmp_path: Path
) -> None:
    folder = shards
    if kind == "lance":
        folder = tmp_path / "e"
        export_lance(taught, folder)
    samples = [sample for batch, _ in SpeechLoader(folder) for sample in batch]
    assert len(samples) > 5
    for sample in samples:
        check(sample.record)


def test_the_table_beside_the_shards_has_them_as_bytes(shards: Path) -> None:
    rows = pq.read_table(shards / SAMPLES).to_pylist()
    for row in rows:
        check(row)


def test_webdataset_hugging_face_and_lhotse_read_shards_with_logits(
    shards: Path, tmp_path: Path
) -> None:
    tars = str(shards / "train" / "recording.000000.tar")
    read = webdataset.WebDataset(tars, shardshuffle=False, empty_check=False).decode()
    records = [sample["json"]["sources"][0]["source"] for sample in read]
    rows = datasets.load_dataset(
        str(shards), split="train", streaming=True, cache_dir=str(tmp_path)
    )
    records += [row["json"]["sources"][0]["source"] for row in rows]
    assert len(records) > 10
    for record in records:
        said = record[TOP_LOGITS]
        check(record | {TOP_LOGITS: said and base64.b64decode(said)})
    cuts = list(CutSet.from_shar(in_dir=shards / "train"))
    assert len(cuts) == len(records) // 2
    for cut in cuts:
        assert cut.load_audio().size and TOP_LOGITS not in cut.custom and cut.codes


@pytest.mark.parametrize("said", ['"AAE=?"', '"AAE"', "7"])
def test_damaged_logits_in_a_shards_json_are_a_sentence(said: str) -> None:
    record = '{"sources":[{"type":"shar","source":{"top_logits":' + said + "}}]}"
    for described, told in ((record, "its top_logits are no base64"), (record[:-1], "Expecting")):
        with pytest.raises(UsageError, match=f"of the sample k1 is damaged .{told}"):
            _ = SpeechSample("k1", b"", described.encode()).record


def test_shards_with_logits_can_be_imported_again(shards: Path) -> None:
    found = list(WebDatasetTars(str(shards / "train")))
    assert len(found) > 5 and not any(recording.fault for recording in found)
