"""WebDataset tars, written by webdataset itself, and what can be wrong with a tar."""

import gzip
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import webdataset

from lauter.datasets.audio import Integers, open_audio, read_samples
from lauter.datasets.errors import UsageError
from lauter.datasets.imports import Origin, WebDatasetTars, utterances_from

Spoken = list[tuple[str, Integers]]
Encode = Callable[..., bytes]
Imported = Callable[..., list[dict[str, Any]]]
JAPANESE = Origin(dialect="ja-JP")


def stored(row: dict[str, Any]) -> list[int]:
    with open_audio(row["audio"]) as file:
        return read_samples(file).tolist()


@pytest.fixture
def shards(tmp_path: Path, spoken: Spoken, encode: Encode) -> Path:
    """Three tars of two samples each: texts in JSON, in txt, and in both."""
    samples = [*spoken, *((text + "はい。", sound) for text, sound in spoken)]
    with webdataset.ShardWriter(f"{tmp_path}/s-%06d.tar", maxcount=2, verbose=0) as writer:
        for number, (text, sound) in enumerate(samples):
            sample: dict[str, Any] = {"__key__": f"dir/{number:04d}", "wav": encode(sound)}
            if number % 3 != 1:
                sample["json"] = {"text": text, "speaker": "mei", "offset": 12.5, "duration": 0.1}
            if number % 3 != 0:
                sample["txt"] = text
            writer.write(sample)
    return tmp_path


def test_tars_arrive_whole(shards: Path, spoken: Spoken, imported: Imported) -> None:
    rows = imported(WebDatasetTars(f"{shards}/s-{{000000..000002}}.tar", JAPANESE))
    assert [row["error"] for row in rows] == [None] * 6
    assert [row["text"] for row in rows[:3]] == [text for text, _ in spoken]
    assert [stored(row) for row in rows] == [sound.tolist() for _, sound in spoken] * 2
    assert [row["speaker"] for row in rows] == ["mei", "unknown", "mei"] * 2


def test_a_folder_a_glob_and_braces_name_the_same_tars(shards: Path, imported: Imported) -> None:
    names = (str(shards), f"{shards}/*.tar", f"{shards}/s-00000{{0,1,2}}.tar")
    ids = [
        [row["request_id"] for row in imported(WebDatasetTars(name, JAPANESE))] for name in names
    ]
    assert ids[0] == ids[1] == ids[2]
    assert len(set(ids[0])) == 6


def test_a_zipped_tar_is_the_same(shards: Path, imported: Imported) -> None:
    plain = shards / "s-000001.tar"
    zipped = shards / "z" / "s-000001.tar.gz"
    zipped.parent.mkdir()
    with tarfile.open(plain) as source, tarfile.open(zipped, "w:gz") as target:
        for member in source:
            target.addfile(member, source.extractfile(member))
    ids = [row["request_id"] for row in imported(WebDatasetTars(str(plain), JAPANESE))]
    again = [row["request_id"] for row in imported(WebDatasetTars(str(zipped.parent), JAPANESE))]
    assert again == ids


@pytest.mark.parametrize("zipped", [False, True])
def test_a_truncated_tar_is_named_and_nothing_before_is_lost(
    zipped: bool, shards: Path, spoken: Spoken
) -> None:
    whole = shards / "s-000000.tar"
    with tarfile.open(whole) as tar:
        members = tar.getmembers()
    first, end = (member.offset_data + member.size for member in (members[1], members[-1]))
    data = gzip.compress(whole.read_bytes()) if zipped else whole.read_bytes()
    cuts = range(1, len(data) - 16, 5000) if zipped else range(0, end, 4099)
    cut = shards / "cut.tar"
    for size in cuts:
        cut.write_bytes(data[:size])
        texts: list[str] = []
        with pytest.raises(UsageError, match=r"cut\.tar is damaged"):
            for batch in utterances_from(WebDatasetTars(str(cut), JAPANESE)):
                assert batch["error"].null_count == batch.num_rows
                texts.extend(batch["text"].to_pylist())
        if not zipped:
            assert texts == ([spoken[0][0]] if size >= first else [])


def test_a_tar_that_stops_between_two_members_is_not_taken_for_whole(
    shards: Path, imported: Imported
) -> None:
    whole = shards / "s-000000.tar"
    with tarfile.open(whole) as tar:
        second = tar.getmembers()[2].offset
    whole.write_bytes(whole.read_bytes()[:second])
    with pytest.raises(UsageError, match="end mark"):
        imported(WebDatasetTars(str(whole), JAPANESE))


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"json": b'{"text": "a"}'}, "it has no audio; its members are json"),
        ({"wav": b"RIFF"}, "it has no text"),
        ({"wav": b"no sound", "txt": b"a"}, "cannot be decoded"),
        ({"wav": b"", "txt": b"a"}, "cannot be decoded"),
        ({"json": b"{", "txt": b"a"}, "its json cannot be read"),
        ({"json": b"[]", "txt": b"a"}, "it is no object, but list"),
        ({"txt": b"\xff\xfe"}, "its txt cannot be read"),
    ],
)
def test_a_sample_that_cannot_be_used_says_why(
    members: dict[str, bytes], sentence: str, tmp_path: Path, shards: Path, imported: Imported
) -> None:
    path = tmp_path / "bad.tar"
    with tarfile.open(path, "w") as tar:
        for suffix, data in members.items():
            info = tarfile.TarInfo(f"x.{suffix}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    rows = imported(WebDatasetTars(f"{shards}/{{s-000000,bad,s-000001}}.tar", JAPANESE))
    assert [row["error_kind"] for row in rows] == [None, None, "failed", None, None]
    assert rows[2]["error"].startswith("bad.tar/x: ")
    assert sentence in rows[2]["error"]


def test_other_names_in_the_json_can_be_chosen(
    tmp_path: Path, spoken: Spoken, encode: Encode, imported: Imported
) -> None:
    with webdataset.TarWriter(f"{tmp_path}/a.tar") as tar:
        said = json.dumps({"words": spoken[0][0], "voice": "mei", "tags": [1, 2]})
        tar.write({"__key__": "a", "flac": encode(spoken[0][1], "FLAC"), "json": said.encode()})
    source = WebDatasetTars(
        f"{tmp_path}/a.tar", JAPANESE, columns={"text": "words", "speaker": "voice"}
    )
    (row,) = imported(source)
    assert (row["text"], row["speaker"]) == (spoken[0][0], "mei")
    (recording,) = source
    assert recording.extra == {"tags": [1, 2]}


def test_a_pattern_that_names_nothing_is_refused(tmp_path: Path, imported: Imported) -> None:
    for pattern in (f"{tmp_path}/none-{{0..3}}.tar", str(tmp_path), f"{tmp_path}/*.tar"):
        with pytest.raises(UsageError, match="there is no tar at"):
            imported(WebDatasetTars(pattern, JAPANESE))
    with pytest.raises(UsageError, match="not on this machine"):
        imported(WebDatasetTars("s3://somewhere/a.tar", JAPANESE))
