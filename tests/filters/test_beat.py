"""Beat alignment: on the grid, beside it, by chance; the tempo of a band is found."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from song_material import sample_of

from lauter.datasets.audio import Clip, Samples
from lauter.filters.beat import BeatScorer, estimate_beat, grid_distance, vowel_onsets_s
from lauter.teacher.song import Backing, accompaniment

RATE = 16_000
TEMPO = 90.0


def syllables(at_s: list[float]) -> Samples:
    """Bursts of a vowel-like sound, each of 80 ms, rising within 5 ms."""
    total = np.zeros(round((max(at_s) + 0.3) * RATE))
    seconds = np.arange(round(0.08 * RATE)) / RATE
    shape = np.minimum(1, seconds / 0.005) * np.minimum(1, (0.08 - seconds) / 0.02)
    wave = shape * sum(np.sin(2 * np.pi * n * 150 * seconds) for n in range(1, 14)) / 14
    for start_s in at_s:
        first = round(start_s * RATE)
        total[first : first + len(wave)] += wave
    noise = np.random.default_rng(0).standard_normal(len(total))
    return (0.5 * total + 1e-4 * noise).astype(np.float32)


def test_vowels_begin_where_they_begin() -> None:
    asked = [0.2, 0.55, 0.8, 1.3]
    found = vowel_onsets_s(syllables(asked))
    assert np.allclose(found, asked, atol=0.02)


def test_silence_has_no_vowels() -> None:
    assert not len(vowel_onsets_s(np.zeros(RATE, np.float32)))


@given(st.lists(st.integers(0, 200), min_size=1), st.floats(60, 180), st.floats(-2, 2))
def test_what_is_on_the_grid_has_no_distance(
    ticks: list[int], tempo: float, first_beat_s: float
) -> None:
    onsets_s = first_beat_s + np.array(ticks) * 60 / tempo / 4
    assert grid_distance(onsets_s, tempo, first_beat_s) == pytest.approx(0, abs=1e-6)
    between = onsets_s + 60 / tempo / 8
    assert grid_distance(between, tempo, first_beat_s) == pytest.approx(0.5, abs=1e-6)


def alignment(at_s: list[float], first_beat_s: float = 0.0, style: str = "rap") -> float | None:
    clip = Clip.of(syllables(at_s), RATE)
    known = {"beats_per_minute": TEMPO, "first_beat_s": first_beat_s}
    (found,) = BeatScorer().score([sample_of(clip, known, style=style)])
    assert isinstance(found, dict)
    return found.get("beat_alignment")


def test_rap_on_the_sixteenths_is_told_from_speech_without_a_beat() -> None:
    sixteenth_s = 60 / TEMPO / 4
    on_beat = [0.3 + tick * sixteenth_s for tick in (0, 2, 3, 5, 8, 9, 11, 14, 16)]
    aligned = alignment(on_beat, 0.3)
    assert aligned is not None and aligned > 0.5
    beside = alignment([at + sixteenth_s / 2 for at in on_beat], 0.3)
    assert beside is not None and beside < -0.5
    drawn = np.random.default_rng(1)
    by_chance = [
        alignment(sorted((0.3 + np.cumsum(drawn.uniform(0.13, 0.4, 12))).tolist()), 0.3)
        for _ in range(8)
    ]
    assert abs(float(np.mean([one for one in by_chance if one is not None]))) < 0.3


def test_song_and_lines_of_few_syllables_are_not_applicable() -> None:
    assert alignment([0.3, 0.6, 0.9, 1.2, 1.5], style="sung") is None
    assert alignment([0.3, 0.6]) is None


@pytest.mark.parametrize("tempo", [80.0, 92.0, 104.0, 120.0])
def test_the_tempo_of_a_band_is_found_or_its_double_or_half(tempo: float) -> None:
    backing = Backing(tempo, 220.0)
    found, first_s = estimate_beat(accompaniment(backing, 6, 24_000), 24_000)
    assert min(abs(found * factor / tempo - 1) for factor in (0.5, 1.0, 2.0)) < 0.01
    # A beat of it falls upon a sixteenth of the band.
    assert grid_distance(np.array([first_s]), tempo, 0.0) < 0.25


def test_silence_has_the_usual_tempo() -> None:
    assert estimate_beat(np.zeros(RATE * 3, np.float32), RATE) == (110.0, 0.0)
