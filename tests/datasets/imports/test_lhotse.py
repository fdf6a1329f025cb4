"""Lhotse's manifests, written by Lhotse itself."""

import gzip
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lauter.datasets.audio import Integers, open_audio, read_samples
from lauter.datasets.errors import UsageError
from lauter.datasets.imports import LhotseManifest, Origin

Spoken = list[tuple[str, Integers]]
Imported = Callable[..., list[dict[str, Any]]]


def stored(row: dict[str, Any]) -> list[int]:
    with open_audio(row["audio"]) as file:
        return read_samples(file).tolist()


@pytest.fixture
def cuts(sounds: Path, spoken: Spoken) -> Any:
    """A cut for each sentence, as Lhotse makes them."""
    from lhotse import CutSet, MonoCut, Recording, SupervisionSegment

    made = []
    for number, (text, _) in enumerate(spoken):
        recording = Recording.from_file(sounds / f"{number}.wav", recording_id=f"r{number}")
        supervision = SupervisionSegment(
            id=f"s{number}",
            recording_id=recording.id,
            start=0,
            duration=recording.duration,
            text=text,
            language="Japanese",
            speaker="mei",
            custom={"pred_text": text[:-1], "take": number},
        )
        made.append(
            MonoCut(f"c{number}", 0, recording.duration, 0, [supervision], recording=recording)
        )
    return CutSet.from_cuts(made)


def check(rows: list[dict[str, Any]], spoken: Spoken) -> None:
    assert [row["error"] for row in rows] == [None] * len(spoken)
    assert [row["text"] for row in rows] == [text for text, _ in spoken]
    assert [row["transcript"] for row in rows] == [text[:-1] for text, _ in spoken]
    assert [stored(row) for row in rows] == [samples.tolist() for _, samples in spoken]
    assert {(row["dialect"], row["speaker"]) for row in rows} == {("ja-JP", "mei")}


@pytest.mark.parametrize("name", ["cuts.jsonl", "cuts.jsonl.gz"])
def test_cuts_arrive_whole(
    name: str, cuts: Any, tmp_path: Path, spoken: Spoken, imported: Imported
) -> None:
    cuts.to_file(tmp_path / name)
    rows = imported(LhotseManifest(str(tmp_path / name)))
    check(rows, spoken)
    again = imported(LhotseManifest(str(tmp_path)))
    assert [row["request_id"] for row in again] == [row["request_id"] for row in rows]


def test_recordings_and_supervisions_arrive_whole(
    cuts: Any, tmp_path: Path, spoken: Spoken, imported: Imported
) -> None:
    recordings, supervisions, _ = cuts.decompose(verbose=False)
    recordings.to_file(tmp_path / "recordings.jsonl.gz")
    supervisions.to_file(tmp_path / "supervisions.jsonl.gz")
    check(imported(LhotseManifest(str(tmp_path))), spoken)


@pytest.mark.parametrize("container", ["wav", "flac"])
def test_a_shar_folder_arrives_whole(
    container: str, cuts: Any, tmp_path: Path, spoken: Spoken, imported: Imported
) -> None:
    cuts.to_shar(tmp_path, fields={"recording": container}, shard_size=2, num_jobs=1)
    check(imported(LhotseManifest(str(tmp_path))), spoken)


def test_a_shar_folder_with_a_truncated_tar_is_named(
    cuts: Any, tmp_path: Path, imported: Imported
) -> None:
    cuts.to_shar(tmp_path, fields={"recording": "wav"}, shard_size=5, num_jobs=1)
    tar = next(tmp_path.glob("recording.*.tar"))
    tar.write_bytes(tar.read_bytes()[:90000])
    with pytest.raises(UsageError, match=r"Shar folder .* is damaged after c0"):
        imported(LhotseManifest(str(tmp_path)))


def test_every_supervision_of_a_long_cut_is_a_row(
    cuts: Any, tmp_path: Path, spoken: Spoken, imported: Imported
) -> None:
    from lhotse import CutSet, SupervisionSegment

    cut = next(iter(cuts))
    cut.supervisions = [
        SupervisionSegment("a", cut.recording.id, 0.0, 0.5, text="はい", language="ja"),
        SupervisionSegment("b", cut.recording.id, 0.75, 0.25, text="いいえ", language="ja"),
    ]
    CutSet.from_cuts([cut]).to_file(tmp_path / "cuts.jsonl")
    rows = imported(LhotseManifest(str(tmp_path)))
    samples = spoken[0][1].tolist()
    assert [row["text"] for row in rows] == ["はい", "いいえ"]
    assert [stored(row) for row in rows] == [samples[:8000], samples[12000:16000]]


def test_what_lhotse_must_make_itself_is_made_by_it(
    cuts: Any, tmp_path: Path, spoken: Spoken, imported: Imported
) -> None:
    cuts.resample(8000).to_file(tmp_path / "cuts.jsonl")
    rows = imported(LhotseManifest(str(tmp_path)))
    assert [row["sample_rate"] for row in rows] == [8000] * 3
    for row, (_, samples) in zip(rows, spoken, strict=True):
        assert row["duration_s"] == pytest.approx(len(samples) / 16000, abs=0.01)
    cuts.pad(duration=4.0).to_file(tmp_path / "cuts.jsonl")
    rows = imported(LhotseManifest(str(tmp_path)))
    assert [row["duration_s"] for row in rows] == [4.0] * 3
    for row, (_, samples) in zip(rows, spoken, strict=True):
        assert stored(row)[: len(samples)] == samples.tolist()


def test_relative_paths_start_at_the_manifest(
    cuts: Any, sounds: Path, tmp_path: Path, spoken: Spoken, imported: Imported
) -> None:
    (tmp_path / "wavs").symlink_to(sounds)
    rows = [cut.to_dict() for cut in cuts]
    for number, row in enumerate(rows):
        row["recording"]["sources"][0]["source"] = f"wavs/{number}.wav"
    (tmp_path / "cuts.jsonl").write_text("\n".join(map(json.dumps, rows)))
    check(imported(LhotseManifest(str(tmp_path))), spoken)


def test_a_manifest_never_runs_a_command(cuts: Any, tmp_path: Path, imported: Imported) -> None:
    rows = [cut.to_dict() for cut in cuts]
    proof = tmp_path / "proof"
    rows[1]["recording"]["sources"][0] |= {"type": "command", "source": f"touch {proof}"}
    rows[2]["recording"]["sources"][0] |= {"type": "url", "source": "http://127.0.0.1:1/a.wav"}
    (tmp_path / "cuts.jsonl").write_text("\n".join(map(json.dumps, rows)))
    good, command, address = imported(LhotseManifest(str(tmp_path)))
    assert good["error"] is None
    assert "its sound comes from a command" in command["error"]
    assert "its sound comes from a url" in address["error"]
    assert not proof.exists()


def test_a_shar_folder_never_runs_a_command(cuts: Any, tmp_path: Path, imported: Imported) -> None:
    proof = tmp_path / "proof"
    row = next(iter(cuts)).to_dict()
    row["recording"]["sources"][0] |= {"type": "command", "source": f"touch {proof}"}
    with gzip.open(tmp_path / "cuts.000000.jsonl.gz", "wt") as file:
        file.write(json.dumps(row))
    (only,) = imported(LhotseManifest(str(tmp_path)))
    assert "its sound comes from a command" in only["error"]
    assert not proof.exists()


def test_bad_rows_take_no_other_along(
    cuts: Any, tmp_path: Path, spoken: Spoken, imported: Imported
) -> None:
    rows = [cut.to_dict() for cut in cuts]
    rows[1]["supervisions"] = []
    missing = rows[2] | {"id": "missing"}
    missing = json.loads(json.dumps(missing))
    missing["recording"]["sources"][0]["source"] = "nowhere.wav"
    strange = {"id": "strange", "type": "MonoCut"}
    lines = [*map(json.dumps, [*rows, missing, strange]), "{"]
    (tmp_path / "cuts.jsonl").write_text("\n".join(lines))
    found = imported(LhotseManifest(str(tmp_path), Origin(dialect="ja-JP")))
    assert [row["error_kind"] for row in found] == [None, "failed", None, *["failed"] * 3]
    assert found[1]["error"].startswith("c1: it has no text")
    assert "nowhere.wav' cannot be read" in found[3]["error"]
    assert found[4]["error"].startswith("strange: Lhotse cannot read it")
    assert found[5]["error"].startswith("cuts.jsonl:6: the line is no JSON")


def test_what_is_no_manifest_of_cuts_is_refused(
    cuts: Any, tmp_path: Path, imported: Imported
) -> None:
    recordings, _, _ = cuts.decompose(verbose=False)
    recordings.to_file(tmp_path / "recordings.jsonl")
    with pytest.raises(UsageError, match="give the folder that holds both"):
        imported(LhotseManifest(str(tmp_path / "recordings.jsonl")))
    with pytest.raises(UsageError, match="is no folder of Lhotse's"):
        imported(LhotseManifest(str(tmp_path)))
    with pytest.raises(UsageError, match="there is no Lhotse manifest"):
        imported(LhotseManifest(str(tmp_path / "missing")))


def test_without_lhotse_a_sentence_says_how_to_get_it(
    tmp_path: Path, imported: Imported, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lhotse", None)
    with pytest.raises(UsageError, match=r'pip install "lauter\[exchange\]"'):
        imported(LhotseManifest(str(tmp_path)))
