"""A folder of songs: each line a recording; what is wrong is one sentence and costs no other."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lauter.datasets.audio import encode_flac
from lauter.datasets.errors import UsageError
from lauter.datasets.imports import Origin, Recording, requests_from
from lauter.datasets.imports.songs import Songs, read_song

RATE = 8000
LYRICS = "[ar:Ann]\n[00:01.00]one\n[00:03.00]two\n[00:05.00]\n"
ORIGIN = Origin("songs", dialect="en-US")


def song(
    folder: Path, name: str = "song", lyrics: str | bytes | None = LYRICS, seconds: float = 8.0,
    about: Any = None,
) -> Path:  # fmt: skip
    """Write a song of noise, and return its stem."""
    folder.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).standard_normal(round(seconds * RATE)).astype(np.float32)
    if seconds:
        (folder / f"{name}.flac").write_bytes(encode_flac(0.1 * noise, RATE))
    if lyrics is not None:
        content = lyrics.encode() if isinstance(lyrics, str) else lyrics
        (folder / f"{name}.lrc").write_bytes(content)
    if about is not None:
        said = about if isinstance(about, str) else json.dumps(about)
        (folder / f"{name}.json").write_text(said)
    return folder / name


def read(folder: Path, **options: Any) -> list[Recording]:
    return list(Songs("" if folder == Path() else str(folder), ORIGIN, **options))


def test_each_line_is_a_stretch_of_its_song_with_words_artist_and_style(tmp_path: Path) -> None:
    song(tmp_path / "album", about={"style": "rap", "dialect": "cmn", "licence": "CC0-1.0",
                                    "group": "live"})  # fmt: skip
    one, two = read(tmp_path)
    assert (one.text, one.offset_s, one.duration_s) == ("one", 1.0, 2.0)
    assert (two.text, two.offset_s, two.duration_s) == ("two", 3.0, 2.0)
    assert one.speaker == "Ann" and one.dialect == "cmn" and one.licence == "CC0-1.0"
    assert one.manner == {"style": "rap"} and one.extra["group"] == "live"
    assert one.key == "album/song:2@1" and not one.fault


def test_another_time_in_the_lyrics_makes_other_utterances_and_another_word_one(
    tmp_path: Path,
) -> None:
    def ids(lyrics: str) -> list[str]:
        song(tmp_path, lyrics=lyrics)
        (batch,) = requests_from(Songs(str(tmp_path), ORIGIN))
        found: list[str] = batch["request_id"].to_pylist()
        return found

    before = ids(LYRICS)
    assert ids("[ti:A title]\n" + LYRICS) == before
    # A line's cut begins where the one before has ended, and all lines are moved together.
    assert not set(ids("[00:01.00]one\n[00:02.50]\n[00:03.00]two\n[00:05.00]\n")) & set(before)
    assert not set(ids(LYRICS.replace("00:05.00", "00:06.00"))) & set(before)
    one, two = ids(LYRICS.replace("two", "too"))
    assert one == before[0] and two != before[1]


@pytest.mark.parametrize(
    "about",
    [{"notes": [[1, 2, 440]]}, {"beats_per_minute": 90}, {"first_beat_s": 0.5}, {"artist": "Bea"}],
)
def test_another_tune_or_beat_in_the_description_makes_other_utterances(
    tmp_path: Path, about: dict[str, Any]
) -> None:
    def ids(about: dict[str, Any]) -> list[str]:
        song(tmp_path, about={"notes": [[1, 2, 220]], "group": "a"} | about)
        (batch,) = requests_from(Songs(str(tmp_path), ORIGIN))
        found: list[str] = batch["request_id"].to_pylist()
        return found

    before = ids({})
    assert ids({"group": "b"}) == before
    assert not set(ids(about)) & set(before)


def test_a_description_outweighs_the_lyrics_and_the_default_style(tmp_path: Path) -> None:
    song(tmp_path, about={"artist": "Bea"})
    assert {one.speaker for one in read(tmp_path)} == {"Bea"}
    assert {one.manner["style"] for one in read(tmp_path, style="rap")} == {"rap"}
    with pytest.raises(UsageError, match="songs are sung or rap"):
        read(tmp_path, style="plain")


def test_the_last_line_ends_with_the_song_or_before_an_interlude(tmp_path: Path) -> None:
    song(tmp_path, lyrics="[00:01]one\n[00:03]two\n", seconds=5.0)
    song(tmp_path / "long", lyrics="[00:01]one\n[00:30]two\n", seconds=60.0)
    lengths = [one.duration_s for one in read(tmp_path)]
    assert lengths == [2.0, 2.0, 20.0, 20.0]


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"seconds": 0}, "there is no audio beside song.lrc (flac, wav, ogg, opus, mp3); "
                         "bring it, or take the lyrics away"),
        ({"lyrics": None}, "there is no song.lrc beside it; bring the lyrics"),
        ({"lyrics": "[ar:Ann]\n"}, "song.lrc has no line of lyrics"),
        ({"about": "{"}, "the description song.json cannot be used (Expecting property name"),
        ({"about": [1]}, "the description song.json cannot be used (it is list and no object)"),
        ({"about": {"beats_per_minute": "fast"}}, "its beats_per_minute is 'fast' and no number"),
        ({"about": {"beats_per_minute": 0}}, "its beats_per_minute must be above 0"),
        ({"about": {"notes": [[1, 0, 440]]}}, "a note ends before it begins or never, or has no"),
        ({"about": '{"notes": [[0, Infinity, 440]]}'}, "a note ends before it begins or never"),
        ({"about": {"first_beat_s": 10**400}}, "int too large to convert to float"),
        ({"about": {"group": "\ud800"}}, "its group is '\\ud800' and no text"),
        ({"about": {"artist": 7}}, "its artist is 7 and no text"),
    ],
)  # fmt: skip
def test_a_song_that_cannot_be_used_is_one_row_with_a_sentence(
    tmp_path: Path, files: dict[str, Any], sentence: str
) -> None:
    song(tmp_path, **files)
    song(tmp_path / "z", "whole")
    fault, *others = read(tmp_path)
    assert sentence in fault.fault
    assert [one.text for one in others] == ["one", "two"] and not any(o.fault for o in others)


def test_audio_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    song(tmp_path)
    (tmp_path / "song.flac").write_bytes(b"no audio")
    (fault,) = read(tmp_path)
    assert "cannot be decoded" in fault.fault


def test_audio_shorter_than_its_lyrics_loses_only_what_is_behind_its_end(tmp_path: Path) -> None:
    song(tmp_path, seconds=2.5)
    one, two = read(tmp_path)
    assert not one.fault and one.duration_s == 1.5
    assert two.fault == (
        "line 3 begins at 3.00 s and the audio ends at 2.50 s; the audio is cut off, or the "
        "lyrics belong to another"
    )


def test_overlapping_and_missing_times_lose_only_their_lines(tmp_path: Path) -> None:
    song(tmp_path, lyrics="[00:01]one\nlost\n[00:01]double\n[00:01.10]short\n[00:01.20]two\n")
    rows = read(tmp_path)
    assert [row.text for row in rows if not row.fault] == ["two"]
    assert [row.fault for row in rows if row.fault] == [
        "song.lrc: line 2 has no time before 'lost'; it is left out",
        "song.lrc: line 3 begins at 00:01.000 like line 1; it is left out",
        "line 1 lasts 0.10 s, too short to be sung; correct its time or the next line's",
        "line 4 lasts 0.10 s, too short to be sung; correct its time or the next line's",
    ]


def test_lyrics_in_another_encoding_are_told_or_read_as_one_says(tmp_path: Path) -> None:
    song(tmp_path, lyrics="[00:01]河流\n[00:03]two\n".encode("gb18030"))
    fault, two = read(tmp_path)
    assert "line 1 is no utf-8 text" in fault.fault and two.text == "two"
    assert [one.text for one in read(tmp_path, encoding="gb18030")] == ["河流", "two"]


def test_a_song_is_read_again_by_its_stem(tmp_path: Path) -> None:
    stem = song(tmp_path, "a.b", about={"notes": [[0, 1, 440]]})
    found = read_song(stem)
    assert found.facts.notes == ((0.0, 1.0, 440.0),) and found.duration_s == 8.0


def test_a_song_whose_suffixes_are_in_capitals_is_read_by_its_stem_as_in_its_folder(
    tmp_path: Path,
) -> None:
    stem = song(tmp_path, "Song", about={"artist": "Bea"})
    for suffix in (".flac", ".lrc", ".json"):
        stem.with_suffix(suffix).rename(stem.with_suffix(suffix.upper()))
    one, two = read(tmp_path)
    assert not one.fault and not two.fault and one.speaker == "Bea"
    again = read_song(Path(one.extra["stem"]))
    assert str(again.path) == one.path and again.facts.artist == "Bea"
    assert [line.text for line in again.lyrics.lines] == ["one", "two"]


def test_a_song_whose_folder_is_gone_has_no_audio(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no audio beside song\.lrc"):
        read_song(tmp_path / "gone" / "song")


def test_no_folder_is_one_sentence() -> None:
    with pytest.raises(UsageError, match=r"set source\.path="):
        read(Path())
