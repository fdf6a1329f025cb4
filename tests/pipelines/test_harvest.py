"""Songs become utterances: real songs, networks and detectors; nothing is lost on the way."""

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf
from song_material import TEXTS, write_song

from lauter.datasets.audio import Samples
from lauter.datasets.errors import UsageError
from lauter.datasets.imports import PLANNED_SCHEMA, Origin, requests_from
from lauter.datasets.marking import Marks, Synthetic, marked
from lauter.filters.catalogue import SONG_SCORES
from lauter.filters.separation import ExportedSeparator, SignalSeparator, SpleeterSeparator
from lauter.filters.separation.protocol import Separator
from lauter.pipelines.engines.inline import InlineEngine
from lauter.pipelines.harvest import HarvestedSongs, harvested_songs
from lauter.pipelines.song_listening import SONG_FIELDS
from lauter.pipelines.stage import Pipeline, Resources
from lauter.pipelines.take_in import TakeIn, taking_in

CONFIGURATIONS = Path(__file__).parents[2] / "orchestration" / "conf"
RESOURCES = Resources(batch_size=8)


def harvested(folder: Path, separator: Any = SpleeterSeparator, **origin: Any) -> list[dict]:
    source = harvested_songs(separator, str(folder), Origin("songs", **origin))
    planned = pa.Table.from_batches(requests_from(source))
    pipeline = Pipeline(PLANNED_SCHEMA, (taking_in(source, 1, RESOURCES),))
    rows = pa.Table.from_batches(InlineEngine().run(pipeline, planned)).to_pylist()
    return sorted(rows, key=lambda row: row["song_start_s"] or 0.0)


def test_lines_come_with_their_voice_their_figures_and_their_song(tmp_path: Path) -> None:
    write_song(tmp_path)
    one, two = harvested(tmp_path)
    assert (one["text"], two["text"]) == TEXTS
    assert {one["style"], two["style"]} == {"rap"} and one["speaker"] == "heart"
    assert one["text_licence"] == "CC0-1.0" and one["teacher"] == "import"
    for row in (one, two):
        assert row["error_kind"] is None and row["audio"][:4] == b"fLaC"
        assert 1.0 < row["duration_s"] < 5.0
        assert row["voice_over_rest_db"] > 0
        assert row["song_voice_similarity"] > 0.6
        assert row["song"] == "song" and row["song_group"] == "tests"
        assert {field.name for field in SONG_FIELDS} <= row.keys()


def test_lyrics_that_come_late_are_moved(tmp_path: Path) -> None:
    write_song(tmp_path / "true")
    write_song(tmp_path / "late", late_s=0.4)
    true, late = harvested(tmp_path / "true"), harvested(tmp_path / "late")
    assert late[0]["timing_shift_s"] == pytest.approx(-0.4, abs=0.101)
    for one, other in zip(true, late, strict=True):
        assert one["song_start_s"] == pytest.approx(other["song_start_s"], abs=0.15)
        assert one["duration_s"] == pytest.approx(other["duration_s"], abs=0.3)


def test_a_line_that_nobody_sings_is_kept_with_figures_that_tell(tmp_path: Path) -> None:
    write_song(tmp_path, mute=1)
    sung, mute = harvested(tmp_path)
    assert mute["audio"] and mute["error_kind"] is None
    assert mute["voice_over_rest_db"] < sung["voice_over_rest_db"] - 15


def test_notes_are_in_the_time_of_the_line_and_the_key_of_the_song(tmp_path: Path) -> None:
    write_song(tmp_path, style="sung")
    one, _ = harvested(tmp_path)
    assert abs(one["transposition_st"]) < 0.3
    assert 0 <= one["notes"][0]["start_s"] < 0.6
    assert one["notes"][-1]["end_s"] <= one["duration_s"] + 0.3


def test_without_a_description_the_tempo_is_estimated(tmp_path: Path) -> None:
    stem = write_song(tmp_path)
    stem.with_suffix(".json").unlink()
    one, *_ = harvested(tmp_path, dialect="en-US")
    tempo = 84.0
    assert min(abs(one["beats_per_minute"] * f / tempo - 1) for f in (0.5, 1, 2)) < 0.02


def test_faults_are_rows_and_take_no_line_along(tmp_path: Path) -> None:
    stem = write_song(tmp_path)
    lyrics = stem.with_suffix(".lrc")
    lyrics.write_text(lyrics.read_text() + "no time\n[03:00]behind the end\n")
    (tmp_path / "lonely.lrc").write_text("[00:01]nobody\n")
    rows = harvested(tmp_path, dialect="en-US")
    assert Counter(row["error_kind"] for row in rows) == {None: 2, "failed": 3}
    said = " ".join(row["error"] for row in rows if row["error"])
    assert "has no time before 'no time'" in said
    assert "begins at 180.00 s and the audio ends at" in said
    assert "there is no audio beside lonely.lrc" in said
    assert all(row["song"] for row in rows)


@pytest.mark.parametrize(("said", "mark"), [("no", None), ("yes", None), ("no", Synthetic.YES)])
def test_a_line_is_synthetic_as_the_songs_mark_or_else_its_origin_says(
    tmp_path: Path, said: str, mark: Synthetic | None
) -> None:
    song = write_song(tmp_path).with_suffix(".flac")
    if mark:
        song.write_bytes(marked(song.read_bytes(), Marks(mark, "r", "studio", "f", "heart")))
    rows = harvested(tmp_path, SignalSeparator, synthetic=said)
    assert [row["synthetic"] for row in rows] == [mark or said] * 2


class _Counting:
    """A real separator that counts how often it was asked."""

    name = "counting"
    songs: ClassVar[list[int]] = []

    def fingerprint(self) -> str:
        return "counting-1"

    def voice(self, song: Samples, sample_rate: int) -> Samples:
        self.songs.append(len(song))
        return SignalSeparator().voice(song, sample_rate)


def test_a_song_is_separated_once_for_all_of_its_lines(tmp_path: Path) -> None:
    write_song(tmp_path)
    _Counting.songs.clear()
    harvested(tmp_path, _Counting)
    # Once the whole song; before it a moment of silence, to see whether the separator works.
    assert len(_Counting.songs) == 2 and _Counting.songs[0] == 16_000


def test_another_separator_gives_other_utterances_and_the_same_one_the_same(tmp_path: Path) -> None:
    write_song(tmp_path)

    def ids(separator: Any) -> list[str]:
        source = harvested_songs(separator, str(tmp_path), Origin("songs"))
        return pa.Table.from_batches(requests_from(source))["request_id"].to_pylist()

    assert ids(SpleeterSeparator) == ids(SpleeterSeparator)
    assert not set(ids(SpleeterSeparator)) & set(ids(SignalSeparator))


def test_a_missing_model_is_told_before_a_song_is_read(tmp_path: Path) -> None:
    write_song(tmp_path)
    model = tmp_path / "model"
    model.mkdir()
    (model / "README").write_text("nothing else is here")
    source = harvested_songs(
        partial(SpleeterSeparator, model=model), str(tmp_path), Origin("songs")
    )
    with pytest.raises(UsageError, match=r"has no model\.index, which Spleeter's checkpoint has"):
        taking_in(source, 1, RESOURCES)


def test_the_catalogue_names_the_figures_that_gates_may_read() -> None:
    figures = {field.name: field.type for field in SONG_FIELDS}
    assert all(figures[name] == pa.float64() for name in SONG_SCORES["harvest"])


def test_files_of_speech_are_taken_in_as_ever() -> None:
    from lauter.datasets.imports import Folder

    assert isinstance(taking_in(Folder("somewhere"), 2, RESOURCES), TakeIn)


@pytest.mark.parametrize("name", ["spleeter", "signal", "exported"])
def test_a_configuration_makes_songs_and_its_separator(name: str, tmp_path: Path) -> None:
    settings = OmegaConf.load(CONFIGURATIONS / "source" / "songs.yaml")
    separator = OmegaConf.load(CONFIGURATIONS / "separator" / f"{name}.yaml")
    if name == "exported":
        separator.model = str(tmp_path / "network.onnx")
        (tmp_path / "network.onnx").write_bytes(b"stands for a network that is not opened")
    whole = OmegaConf.create({"separator": separator, "source": settings})
    made = instantiate(whole.source, path="somewhere", _convert_="all")
    assert isinstance(made, HarvestedSongs) and made.path == "somewhere"
    kinds: dict[str, type[Separator]] = {
        "spleeter": SpleeterSeparator, "signal": SignalSeparator, "exported": ExportedSeparator,
    }  # fmt: skip
    assert isinstance(made.separator(), kinds[name])
    assert np.isfinite(made.songs.origin.sample_rate or 0)
