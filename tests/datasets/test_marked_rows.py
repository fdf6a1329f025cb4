"""What leaves a corpus says where it comes from; what comes back in says it still."""

import tarfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from judged_corpus import SOMEONE, flac_of, judged_corpus, request_of

from lauter.datasets.audio import audio_digest, encode_flac
from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError
from lauter.datasets.exported import SAMPLES
from lauter.datasets.imports import Origin, WebDatasetTars, utterances_from
from lauter.datasets.marked_rows import Marker
from lauter.datasets.marking import Synthetic, marks_of
from lauter.datasets.shards import export_webdataset


def row(number: int, **other: object) -> dict[str, object]:
    request = request_of(number)
    named = {"request_id": request.request_id, "teacher": "noise", "teacher_fingerprint": "n1"}
    return asdict(request.prompt) | named | {"audio": flac_of(number)} | other


def test_a_row_of_a_teacher_is_synthetic_with_the_licence_of_its_voice(tmp_path: Path) -> None:
    corpus = judged_corpus(tmp_path / "c", 20)
    marks = Marker.of(corpus).marks(row(0))
    assert marks.synthetic == Synthetic.YES
    assert (marks.voice, marks.text_licence) == ("someone", "Apache-2.0")
    assert marks.voice_licence == SOMEONE.licence  # for en-US, which number 0 is
    assert Marker.of(corpus).marks(row(1)).voice_licence == "NOASSERTION"
    assert (marks.corpus, marks.release) == (corpus.digest(), "")


def test_imported_speech_is_synthetic_only_where_somebody_says_so(tmp_path: Path) -> None:
    marker = Marker("", "", {})
    told = {said: marker.marks(row(0, teacher="import", synthetic=said)).synthetic
            for said in (None, "yes", "no", "unknown")}  # fmt: skip
    assert told == {None: "unknown", "yes": "yes", "no": "no", "unknown": "unknown"}
    assert marker.marks(row(0, teacher="import")).voice_licence == "Apache-2.0"


def test_an_export_of_a_release_names_it_in_files_and_records(tmp_path: Path) -> None:
    judged_corpus(tmp_path / "c", 20).tag("v1")
    corpus = Corpus.open(tmp_path / "c", version="v1")
    export_webdataset(corpus, tmp_path / "e")
    records = pq.read_table(tmp_path / "e" / SAMPLES).to_pylist()
    assert {one["release"] for one in records} == {"v1"}
    with tarfile.open(tmp_path / "e" / "train" / "recording.000000.tar") as tar:
        for one in records:
            member = tar.extractfile(f"{one['request_id']}.flac")
            assert member
            marks = marks_of(member.read())
            assert marks is not None
            in_the_corpus = one | {"synthetic": None}
            assert marks == Marker.of(corpus).marks(in_the_corpus)
            assert (marks.corpus, marks.release) == (one["corpus_digest"], "v1")
            assert marks.voice_licence == one["voice_licence"]


def test_what_was_marked_as_synthetic_stays_so_when_it_is_imported(tmp_path: Path) -> None:
    export_webdataset(judged_corpus(tmp_path / "c", 20), tmp_path / "e")
    tars = WebDatasetTars(str(tmp_path / "e" / "train"), Origin(synthetic="no"))
    (batch,) = utterances_from(tars)
    assert set(batch["synthetic"].to_pylist()) == {"yes"}
    assert all(
        marks_of(one["audio"]) is None and audio_digest(one["audio"]) == one["audio_digest"]
        for one in batch.to_pylist()
    )
    again = Corpus.create(tmp_path / "again")
    with again.writing() as writer:
        writer.append(batch)
    (kept,) = again.scan()
    assert {Marker("", "", {}).marks(one).synthetic for one in kept.to_pylist()} == {"yes"}


@pytest.mark.parametrize(("said", "kept"), [("no", "no"), (False, "no"), ("unknown", "unknown")])
def test_an_origin_says_whether_its_speech_is_synthetic(
    said: str, kept: str, tmp_path: Path
) -> None:
    (tmp_path / "a.wav").write_bytes(encode_flac(np.ones(900, np.int16), 8000))
    (tmp_path / "a.txt").write_text("One.")
    from lauter.datasets.imports import Folder

    source = Folder(str(tmp_path), Origin(dialect="en-US", synthetic=said))
    rows = pa.Table.from_batches(utterances_from(source)).to_pylist()
    assert [one["synthetic"] for one in rows] == [kept]
    with pytest.raises(UsageError, match="synthetic is 'perhaps'; set yes, no, unknown"):
        Origin(synthetic="perhaps")


def test_a_damaged_recording_is_named_by_its_request() -> None:
    with pytest.raises(UsageError, match=f"request {request_of(0).request_id}: the head of"):
        Marker("", "", {}).marked(row(0, audio=b"fLaC\0\0"))
