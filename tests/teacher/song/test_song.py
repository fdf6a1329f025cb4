"""Songs of our own: deterministic, in key and in time, at the level that was asked for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from song_material import spoken_line

from lauter.datasets.audio import resample
from lauter.datasets.errors import UsageError
from lauter.filters.beat import grid_distance, vowel_onsets_s
from lauter.filters.melody import MelodyNote, accuracy, deviations
from lauter.filters.prosody import pitch_hz
from lauter.teacher.edit import edit
from lauter.teacher.edit.level import active_level
from lauter.teacher.song import Backing, Performance, accompaniment, arrange, mixed, perform
from lauter.teacher.song.performance import tempo_of

TEXT = "Turn up the lamp and sing me a song."


@pytest.fixture(scope="module")
def line() -> tuple[np.ndarray, int]:
    speech = spoken_line(TEXT)
    return speech.samples, speech.sample_rate


def test_a_band_is_the_same_each_time_and_other_noise_changes_its_drums() -> None:
    backing = Backing(100, 220.0)
    one, again = (accompaniment(backing, 2, 16_000, seed=3) for _ in range(2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, accompaniment(backing, 2, 16_000, seed=4))
    assert 0.05 < np.abs(one).max() < 1.0


def test_a_band_plays_the_triad_of_its_key() -> None:
    band = accompaniment(Backing(120, 220.0), 1, 16_000)[4000:12_000]
    spectrum = np.abs(np.fft.rfft(band * np.hanning(len(band))))
    found_hz = np.fft.rfftfreq(len(band), 1 / 16_000)

    def strength(hz: float) -> float:
        return float(spectrum[np.abs(found_hz - hz) < 3].max())

    in_key = min(strength(hz) for hz in (220.0, 277.2, 329.6))
    beside = max(strength(hz) for hz in (233.1, 261.6, 311.1))
    assert in_key > 3 * beside


def test_a_sung_line_is_that_of_audio_edit_and_its_notes_are_in_it(
    line: tuple[np.ndarray, int],
) -> None:
    samples, rate = line
    performed = perform(samples, rate, style="sung", language="en", seed=1)
    assert np.array_equal(
        performed.samples, edit(samples, rate, style="sung", language="en", seed=1)
    )
    notes = [MelodyNote(note.start_s, note.end_s, note.pitch_hz) for note in performed.notes]
    apart = deviations(pitch_hz(resample(performed.samples, rate, 16_000)), notes)
    assert accuracy(apart) > 0.85
    assert performed.notes[0].start_s == pytest.approx(performed.first_syllable_s)


def test_lines_of_a_song_are_in_the_key_that_was_asked_for(line: tuple[np.ndarray, int]) -> None:
    samples, rate = line
    tonics = {
        perform(samples, rate, style="sung", language="en", seed=0, median_hz=hz).notes[-1].pitch_hz
        for hz in (160.0, 160.5)
    }
    assert len(tonics) == 1


def test_a_rapped_line_is_on_the_beat_of_its_song(line: tuple[np.ndarray, int]) -> None:
    samples, rate = line
    performed = perform(samples, rate, style="rap", language="en", seed=2)
    backing = Backing(tempo_of("rap", 2), 200.0, minor=True)
    song = arrange([performed, performed], backing, rate)
    onsets_s = vowel_onsets_s(resample(song.voice, rate, 16_000))
    assert grid_distance(onsets_s, backing.beats_per_minute, 0.0) < 0.15
    plain = vowel_onsets_s(resample(samples, rate, 16_000))
    assert grid_distance(plain, backing.beats_per_minute, float(plain[0])) > 0.15


def test_lines_begin_on_a_bar_with_a_bar_between_them(line: tuple[np.ndarray, int]) -> None:
    samples, rate = line
    performed = Performance(samples, 0.2)
    backing = Backing(96, 220.0)
    song = arrange([performed] * 3, backing, rate)
    assert len(song.voice) == len(song.accompaniment)
    bars = (np.array(song.starts_s) + 0.2) / backing.bar_s
    assert np.allclose(bars, np.rint(bars))
    ends_s = np.array(song.starts_s) + len(samples) / rate
    assert np.all(np.array(song.starts_s)[1:] - ends_s[:-1] > 0.5 * backing.bar_s)


@settings(max_examples=10)
@given(st.floats(-12, 24))
def test_a_mix_has_the_level_that_was_asked_for(level_db: float) -> None:
    rng = np.random.default_rng(0)
    voice = (0.1 * rng.standard_normal(24_000)).astype(np.float32)
    band = (0.02 * rng.standard_normal(24_000)).astype(np.float32)
    song, in_it = mixed(voice, band, 24_000, level_db)
    rest = song - in_it
    assert np.abs(song).max() == pytest.approx(0.9, rel=1e-5)
    band_db = 10 * np.log10(np.mean(rest**2))
    assert active_level(in_it, 24_000) - band_db == pytest.approx(level_db, abs=0.05)


def test_what_has_no_syllable_cannot_be_performed() -> None:
    with pytest.raises(UsageError, match="no syllable that could be performed"):
        perform(np.zeros(24_000, np.float32), 24_000, style="sung", language="en", seed=0)
