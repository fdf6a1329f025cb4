"""Listening to songs: what decides the figures of a line is in the harvest's fingerprint."""

from types import ModuleType

import pytest

from lauter.filters import beat, melody, one_voice, song_voice
from lauter.filters.separation import SignalSeparator
from lauter.filters.speaker import SpeakerScorer, encoder_fingerprint
from lauter.pipelines import song_cutting, song_listening
from lauter.pipelines.song_listening import harvested_by

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
    for name, values in numbers.items():
        assert set(values) <= set(module.SETTINGS), name


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
