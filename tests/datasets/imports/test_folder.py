"""Folders of sounds: with a text beside each, or with one of the usual tables."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lauter.datasets.audio import Integers
from lauter.datasets.errors import UsageError
from lauter.datasets.imports import Folder, Origin

Spoken = list[tuple[str, Integers]]
Encode = Callable[..., bytes]
Imported = Callable[..., list[dict[str, Any]]]
JAPANESE = Origin(dialect="ja-JP")


@pytest.fixture
def ids(sounds: Path, tmp_path: Path, spoken: Spoken, imported: Imported) -> list[str]:
    """The ids of the sentences, by way of texts beside the sounds."""
    folder = tmp_path / "reference"
    shutil.copytree(sounds, folder)
    for number, (text, _) in enumerate(spoken):
        (folder / f"{number}.txt").write_text(f"\ufeff{text}\n")
    return [row["request_id"] for row in imported(Folder(str(folder), JAPANESE))]


def found(rows: list[dict[str, Any]]) -> list[str]:
    assert [row["error"] for row in rows] == [None] * len(rows)
    return [row["request_id"] for row in rows]


def test_texts_beside_sounds_are_read_in_folders_below_too(
    sounds: Path, tmp_path: Path, spoken: Spoken, imported: Imported, ids: list[str]
) -> None:
    for number, (text, _) in enumerate(spoken):
        inner = tmp_path / "all" / f"{number}"
        inner.mkdir(parents=True)
        shutil.copy(sounds / f"{number}.wav", inner / "take.WAV")
        (inner / "take.lab").write_text(text)
    (tmp_path / "all" / "notes.md").write_text("no sound")
    assert found(imported(Folder(str(tmp_path / "all"), JAPANESE))) == ids


def test_a_table_as_ljspeech_has_it(
    sounds: Path, tmp_path: Path, spoken: Spoken, imported: Imported, ids: list[str]
) -> None:
    shutil.copytree(sounds, tmp_path / "lj" / "wavs")
    lines = [f'{number}|{text}|"{text}' for number, (text, _) in enumerate(spoken)]
    (tmp_path / "lj" / "metadata.csv").write_text("\n".join(lines))
    source = Folder(str(tmp_path / "lj"), JAPANESE)
    assert found(imported(source)) == ids
    assert next(iter(source)).extra == {"normalized_text": '"' + spoken[0][0]}


def test_a_table_as_common_voice_has_it(
    sounds: Path, tmp_path: Path, spoken: Spoken, encode: Encode, imported: Imported
) -> None:
    clips = tmp_path / "cv" / "clips"
    clips.mkdir(parents=True)
    lines = ["client_id\tpath\tsentence\tup_votes\tlocale"]
    for number, (text, samples) in enumerate(spoken):
        (clips / f"c{number}.mp3").write_bytes(encode(samples, "MP3", "MPEG_LAYER_III"))
        lines.append(f'abc\tc{number}.mp3\t"{text}\t2\tja')
    (tmp_path / "cv" / "validated.tsv").write_text("\n".join(lines))
    rows = imported(Folder(str(tmp_path / "cv" / "validated.tsv")))
    assert [row["text"] for row in rows] == ['"' + text for text, _ in spoken]
    assert {(row["speaker"], row["dialect"], row["error"]) for row in rows} == {
        ("abc", "ja-JP", None)
    }
    for row, (_, samples) in zip(rows, spoken, strict=True):
        assert row["duration_s"] == pytest.approx(len(samples) / 16000, abs=0.2)


def test_a_table_as_audio_folders_have_it(
    sounds: Path, tmp_path: Path, spoken: Spoken, imported: Imported, ids: list[str]
) -> None:
    shutil.copytree(sounds, tmp_path / "hf")
    lines = ["file_name,text", *(f'{n}.wav,"{text}"' for n, (text, _) in enumerate(spoken))]
    (tmp_path / "hf" / "metadata.csv").write_text("\n".join(lines))
    assert found(imported(Folder(str(tmp_path / "hf"), JAPANESE))) == ids


def test_a_sound_without_text_and_a_text_that_is_none_are_failed_rows(
    sounds: Path, tmp_path: Path, spoken: Spoken, imported: Imported
) -> None:
    folder = tmp_path / "holes"
    shutil.copytree(sounds, folder)
    (folder / "0.txt").write_text(spoken[0][0])
    (folder / "2.txt").write_bytes(b"\xff\xfe\x00")
    rows = imported(Folder(str(folder), JAPANESE))
    assert [row["error_kind"] for row in rows] == [None, "failed", "failed"]
    assert rows[1]["error"] == "1.wav: there is no 1.txt beside it"
    assert rows[2]["error"].startswith("2.wav: 2.txt cannot be read")


def test_a_table_that_names_a_missing_sound_gives_a_failed_row(
    sounds: Path, tmp_path: Path, imported: Imported
) -> None:
    shutil.copytree(sounds, tmp_path / "hf")
    (tmp_path / "hf" / "metadata.csv").write_text(
        "file_name,text\n0.wav,はい。\n7.wav,はい。\n8.wav\n"
    )
    rows = imported(Folder(str(tmp_path / "hf"), JAPANESE))
    assert [row["error_kind"] for row in rows] == [None, "failed", "failed"]
    assert "7.wav' cannot be read (No such file or directory)" in rows[1]["error"]
    assert "it has no text" in rows[2]["error"]


def test_what_is_no_folder_of_sounds_is_refused(tmp_path: Path, imported: Imported) -> None:
    with pytest.raises(UsageError, match="there is no folder or table at"):
        imported(Folder(str(tmp_path / "missing"), JAPANESE))
    with pytest.raises(UsageError, match=f"^{tmp_path} holds no recording; nothing was imported$"):
        imported(Folder(str(tmp_path), JAPANESE))
    table = tmp_path / "other.csv"
    table.write_text("id,said\n1,a\n")
    with pytest.raises(UsageError, match=r"no column for path .* it has id, said"):
        imported(Folder(str(table), JAPANESE))
    table.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="is no table that can be read"):
        imported(Folder(str(table), JAPANESE))
