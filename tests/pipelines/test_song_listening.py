"""Listening to songs: what a harvest is known by, which songs it remembers, what fails alone."""

import os
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import pyarrow as pa
import pytest
from song_material import write_song

from lauter.datasets.audio import Samples
from lauter.datasets.imports import IMPORTED_SPEECH_SCHEMA, Origin, Recording
from lauter.datasets.imports.songs import Songs
from lauter.filters import beat, melody, one_voice, song_voice
from lauter.filters.separation import SignalSeparator
from lauter.filters.speaker import SpeakerScorer, encoder_fingerprint
from lauter.pipelines import song_cutting, song_listening
from lauter.pipelines.song_listening import SONG_FIELDS, Listener, harvested_by

ELSEWHERE = {"_FRAME_S", "_FLUX_S", "ONE_VOICE_FROM"}
"""Made of settings, or a bound for verdicts."""


@pytest.mark.parametrize("module", [song_cutting, song_voice, beat, melody, one_voice])
def test_every_number_that_a_module_names_is_among_its_settings(module: ModuleType) -> None:
    numbers = {
        name: value if isinstance(value, tuple) else (value,)
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, int | float | tuple) and name not in ELSEWHERE
    }
    assert len(numbers) >= 3
    named = Counter(value for values in numbers.values() for value in values)
    assert named <= Counter(module.SETTINGS)


@pytest.mark.parametrize("module", [song_cutting, song_voice, beat, melody])
def test_what_another_setting_would_measure_is_another_harvest(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = harvested_by(SignalSeparator())
    assert harvested_by(SignalSeparator()) == before
    monkeypatch.setattr(module, "SETTINGS", [*module.SETTINGS, 1])
    assert harvested_by(SignalSeparator()) != before


def test_lines_of_another_length_at_most_are_another_harvest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = harvested_by(SignalSeparator())
    monkeypatch.setattr(song_listening, "LONGEST_LINE_S", 10.0)
    assert harvested_by(SignalSeparator()) != before


def test_a_scorer_of_voices_is_known_by_its_consistency_too_and_an_encoder_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scorer, encoder = SpeakerScorer().fingerprint(), encoder_fingerprint()
    monkeypatch.setattr(one_voice, "SETTINGS", [*one_voice.SETTINGS, 1])
    assert SpeakerScorer().fingerprint() != scorer
    assert encoder_fingerprint() == encoder


class _Counting:
    """A real separator that counts how often it was asked."""

    name = "counting"
    asked: ClassVar[int] = 0

    def fingerprint(self) -> str:
        return "counting-1"

    def voice(self, song: Samples, sample_rate: int) -> Samples:
        _Counting.asked += 1
        return SignalSeparator().voice(song, sample_rate)


def lines_of(folder: Path) -> dict[str, Recording]:
    """Return the first line of each song by the song's name."""
    recordings = list(Songs(str(folder), Origin("songs")))
    return {one.extra["song"]: one for one in reversed(recordings)}


def test_the_songs_that_were_asked_for_last_are_not_separated_again(tmp_path: Path) -> None:
    for name in "abc":
        write_song(tmp_path, name)
    lines, listener = lines_of(tmp_path), Listener(_Counting())
    _Counting.asked = 0
    rows = [listener.row(lines[name], Origin("songs")) for name in "abaca"]
    assert not [row["error"] for row in rows if "error" in row]
    assert _Counting.asked == 3


class _Gone:
    """Stands for a separator whose file went away; its name is in bytes that are no text."""

    name = "gone"

    def fingerprint(self) -> str:
        return "gone-1"

    def voice(self, song: Samples, sample_rate: int) -> Samples:
        raise FileNotFoundError("there is no \udcff.bin")


def test_what_no_text_can_hold_fails_its_line_and_not_the_batch(tmp_path: Path) -> None:
    write_song(tmp_path, "whole")
    odd = tmp_path / os.fsdecode(b"odd\xff.lrc")
    odd.write_text("[00:01]one\n")
    listener = Listener(_Gone())
    rows = [listener.row(one, Origin("songs")) for one in lines_of(tmp_path).values()]
    schema = pa.schema([*IMPORTED_SPEECH_SCHEMA, *SONG_FIELDS])
    errors = pa.RecordBatch.from_pylist(rows, schema=schema)["error"].to_pylist()
    assert any("FileNotFoundError: there is no ?.bin" in one for one in errors)
