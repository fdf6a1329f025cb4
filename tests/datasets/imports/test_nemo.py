"""NeMo manifests: what they say arrives, and what is wrong with them is said."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lauter.datasets.audio import Integers, open_audio, read_samples
from lauter.datasets.errors import UsageError
from lauter.datasets.imports import NemoManifest, Origin, requests_from, utterances_from

Imported = Callable[..., list[dict[str, Any]]]
Spoken = list[tuple[str, Integers]]


def stored(row: dict[str, Any]) -> list[int]:
    with open_audio(row["audio"]) as file:
        return read_samples(file).tolist()


@pytest.fixture
def rows(spoken: Spoken) -> list[dict[str, Any]]:
    return [
        {
            "audio_filepath": f"{number}.wav",
            "text": text,
            "duration": round(len(samples) / 16000, 2),
            "lang": "ja",
            "speaker": "mei",
        }
        for number, (text, samples) in enumerate(spoken)
    ]


@pytest.fixture
def manifest(sounds: Path, tmp_path: Path) -> Callable[[list[Any]], str]:
    """Write rows (objects, or lines as they are) into a manifest beside the sounds."""

    def write(lines: list[Any]) -> str:
        for sound in sounds.glob("*.wav"):
            (tmp_path / sound.name).write_bytes(sound.read_bytes())
        path = tmp_path / "manifest.jsonl"
        text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
        path.write_text(text + "\n")
        return str(path)

    return write


def test_a_manifest_arrives_whole(
    manifest: Callable[[list[Any]], str],
    rows: list[dict[str, Any]],
    spoken: Spoken,
    imported: Imported,
) -> None:
    utterances = imported(NemoManifest(manifest(rows), Origin(name="corpus", licence="CC0-1.0")))
    assert [row["text"] for row in utterances] == [text for text, _ in spoken]
    assert [stored(row) for row in utterances] == [samples.tolist() for _, samples in spoken]
    for row in utterances:
        assert (row["language"], row["dialect"]) == ("ja", "ja-JP")
        assert (row["teacher"], row["speaker"]) == ("import", "mei")
        assert (row["text_source"], row["text_licence"]) == ("corpus", "CC0-1.0")
        assert (row["sample_rate"], row["error"], row["transcript"]) == (16000, None, None)


def test_a_gzipped_manifest_is_the_same(
    manifest: Callable[[list[Any]], str], rows: list[dict[str, Any]], imported: Imported
) -> None:
    plain = Path(manifest(rows))
    zipped = plain.with_suffix(".jsonl.gz")
    zipped.write_bytes(gzip.compress(plain.read_bytes()))
    ids = [row["request_id"] for row in imported(NemoManifest(str(plain)))]
    assert [row["request_id"] for row in imported(NemoManifest(str(zipped)))] == ids


def test_segments_of_a_long_recording_are_cut_to_the_sample(
    manifest: Callable[[list[Any]], str],
    rows: list[dict[str, Any]],
    spoken: Spoken,
    imported: Imported,
) -> None:
    segments = [rows[0] | {"offset": 0.25, "duration": 0.5}, rows[0] | {"offset": 0.5}]
    segments[1].pop("duration")
    first, second = imported(NemoManifest(manifest(segments)))
    samples = spoken[0][1].tolist()
    assert stored(first) == samples[4000:12000]
    assert stored(second) == samples[8000:]
    assert first["request_id"] != second["request_id"]


def test_a_recognisers_hypothesis_becomes_the_transcript(
    manifest: Callable[[list[Any]], str], rows: list[dict[str, Any]], imported: Imported
) -> None:
    rows[1]["pred_text"] = "本を二冊買いました"
    transcripts = [row["transcript"] for row in imported(NemoManifest(manifest(rows)))]
    assert transcripts == [None, "本を二冊買いました", None]


def test_a_bad_line_is_a_failed_row_and_takes_no_other_along(
    manifest: Callable[[list[Any]], str], rows: list[dict[str, Any]], imported: Imported
) -> None:
    lines = [rows[0], '{"audio_filepath": "1.wav", ', "[1, 2]", rows[2]]
    utterances = imported(NemoManifest(manifest(lines)))
    assert [row["error_kind"] for row in utterances] == [None, "failed", "failed", None]
    assert utterances[1]["error"].startswith("manifest.jsonl:2: the line is no JSON")
    assert "no object, but list" in utterances[2]["error"]
    assert len({row["request_id"] for row in utterances}) == 4


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"audio_filepath": "9.wav"}, "9.wav' cannot be read"),
        ({"audio_filepath": None}, "it names no audio"),
        ({"text": "  "}, "it has no text"),
        ({"text": ""}, "it has no text"),
        ({"text": ["a"]}, "its text is ['a'] and no text"),
        ({"duration": "long"}, "its duration is 'long' and no number"),
        ({"duration": float("nan")}, "its duration is nan and no number"),
        ({"duration": 0}, "nothing to hear"),
        ({"duration": 99.0}, "the audio is cut off, or the manifest belongs to another"),
        ({"offset": -1.0}, "lies outside the audio"),
        ({"offset": 99.0}, "lies outside the audio"),
        ({"lang": "fr"}, "the language 'fr' has no place here"),
        ({"lang": "zh"}, "says 'zh' and not which dialect"),
        ({"lang": "ja", "dialect": "en-GB"}, "it says both"),
        ({"emotion": "happy"}, "source.columns.emotion=null"),
        ({"emotion": "joy"}, "'joy' at level 0 is a contradiction"),
        ({"emotion": "joy", "emotion_level": 9}, "no number from 0 to 5"),
    ],
)
def test_a_row_that_cannot_be_used_says_why(
    change: dict[str, Any],
    sentence: str,
    manifest: Callable[[list[Any]], str],
    rows: list[dict[str, Any]],
    imported: Imported,
) -> None:
    path = manifest([rows[0], rows[1] | change, rows[2]])
    good, bad, last = imported(NemoManifest(path))
    assert (good["error"], last["error"]) == (None, None)
    assert bad["error_kind"] == "failed"
    assert sentence in bad["error"]
    assert bad["audio"] is None
    again = imported(NemoManifest(path))
    assert again[1]["request_id"] == bad["request_id"]


@pytest.mark.parametrize(
    "strange",
    [
        {"text": "half a pair: \ud800"},
        {"note": "half a pair: \ud800"},
        {"audio_filepath": "very/" * 60 + "long.wav"},
        {"audio_filepath": "half\ud800.wav"},
    ],
)
def test_a_strange_row_takes_no_other_along(
    strange: dict[str, str],
    manifest: Callable[[list[Any]], str],
    rows: list[dict[str, Any]],
) -> None:
    source = NemoManifest(manifest([rows[0], rows[1] | strange, rows[2], "[" * 100_000]))
    planned = pa.Table.from_batches(requests_from(source))
    faults = [row["recording"]["fault"] for row in planned.to_pylist()]
    assert len(faults) == 4
    assert faults[0] == faults[2] == ""
    assert faults[3].startswith("the line is no JSON")


def test_a_damaged_sound_is_a_failed_row(
    manifest: Callable[[list[Any]], str], rows: list[dict[str, Any]], imported: Imported
) -> None:
    path = manifest(rows)
    damaged = Path(path).parent / "1.wav"
    damaged.write_bytes(damaged.read_bytes()[:5000])
    del rows[1]["duration"]
    assert "the audio is cut off" in imported(NemoManifest(manifest_without(path, 1)))[1]["error"]
    damaged.write_bytes(b"no sound at all")
    assert "cannot be decoded" in imported(NemoManifest(path))[1]["error"]


def manifest_without(path: str, line: int) -> str:
    """Take the duration out of one line, so that only the sound itself can tell."""
    lines = Path(path).read_text().splitlines()
    row = json.loads(lines[line])
    del row["duration"]
    lines[line] = json.dumps(row)
    Path(path).write_text("\n".join(lines))
    return path


def test_a_manifest_with_unknown_columns_says_which_it_has(
    manifest: Callable[[list[Any]], str], rows: list[dict[str, Any]], imported: Imported
) -> None:
    renamed = [{"wav_file": row["audio_filepath"], "said": row["text"]} for row in rows]
    path = manifest(renamed)
    with pytest.raises(UsageError, match=r"no column for path .* it has wav_file, said"):
        imported(NemoManifest(path))
    chosen = {"path": "wav_file", "text": "said"}
    utterances = imported(NemoManifest(path, Origin(dialect="ja-JP"), chosen))
    assert [row["error"] for row in utterances] == [None] * 3
    with pytest.raises(UsageError, match="'sound' is no field"):
        imported(NemoManifest(path, columns={"sound": "wav_file"}))


def test_emotion_is_taken_where_it_is_said_in_our_words(
    manifest: Callable[[list[Any]], str], rows: list[dict[str, Any]], imported: Imported
) -> None:
    rows[0] |= {"emotion": "joy", "emotion_level": 2, "speed_level": -1, "style": "sung"}
    rows[1] |= {"emotion": "happy"}
    taken = imported(NemoManifest(manifest(rows)))[0]
    assert (taken["emotion"], taken["emotion_level"]) == ("joy", 2)
    assert (taken["style"], taken["speed_level"]) == ("sung", -1)
    left = imported(NemoManifest(manifest(rows), columns={"emotion": None, "emotion_level": None}))
    assert [row["emotion"] for row in left] == ["neutral"] * 3


def test_a_language_that_nobody_names_is_asked_for_at_once(
    manifest: Callable[[list[Any]], str], rows: list[dict[str, Any]], imported: Imported
) -> None:
    for row in rows:
        del row["lang"]
    path = manifest(rows)
    with pytest.raises(UsageError, match=r"names no language; .* source.origin.dialect="):
        imported(NemoManifest(path))
    assert imported(NemoManifest(path, Origin(language="ja")))[0]["dialect"] == "ja-JP"


def test_what_is_no_manifest_is_refused(tmp_path: Path, imported: Imported) -> None:
    with pytest.raises(UsageError, match="there is no manifest at"):
        imported(NemoManifest(str(tmp_path / "missing.jsonl")))
    empty = tmp_path / "empty.jsonl"
    empty.write_text("\n")
    with pytest.raises(UsageError, match="holds no recording"):
        imported(NemoManifest(str(empty)))
    binary = tmp_path / "binary.jsonl"
    binary.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(UsageError, match="no text in UTF-8"):
        imported(NemoManifest(str(binary)))


def test_a_manifest_cut_off_in_its_gzip_loses_nothing_before(
    manifest: Callable[[list[Any]], str], rows: list[dict[str, Any]]
) -> None:
    zipped = Path(manifest(rows)).with_suffix(".jsonl.gz")
    lines = "".join(json.dumps(row) + "\n" for row in rows * 2000)
    whole = gzip.compress(lines.encode())
    zipped.write_bytes(whole[: len(whole) // 2])
    given = 0
    with pytest.raises(UsageError, match="damaged after line"):
        for batch in utterances_from(NemoManifest(str(zipped)), threads=2):
            given += batch.num_rows
    assert given == 3
