"""Pitch accuracy: on true notes, on other notes, in another key, an octave off."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from song_material import sample_of

from lauter.datasets.audio import Clip
from lauter.filters.melody import (
    MelodyNote,
    MelodyScorer,
    accuracy,
    best_transposition,
    deviations,
)

RATE = 16_000


def sung(notes: list[MelodyNote]) -> Clip:
    """A sawtooth of twelve partials on the notes, with a breath between."""
    total = np.zeros(round((notes[-1].end_s + 0.2) * RATE))
    for note in notes:
        seconds = np.arange(round((note.end_s - note.start_s - 0.03) * RATE)) / RATE
        wave = sum(np.sin(2 * np.pi * n * note.pitch_hz * seconds) / n for n in range(1, 13))
        first = round(note.start_s * RATE)
        total[first : first + len(wave)] += 0.2 * wave
    return Clip.of(total.astype(np.float32), RATE)


def melody(*semitones: float) -> list[MelodyNote]:
    return [
        MelodyNote(0.1 + 0.4 * place, 0.5 + 0.4 * place, 220 * 2 ** (step / 12))
        for place, step in enumerate(semitones)
    ]


def figures(clip: Clip, notes: list[MelodyNote], transposition_st: float = 0.0) -> dict:
    told = [{"start_s": n.start_s, "end_s": n.end_s, "pitch_hz": n.pitch_hz} for n in notes]
    sample = sample_of(clip, {"notes": told, "transposition_st": transposition_st}, style="sung")
    (found,) = MelodyScorer().score([sample])
    assert isinstance(found, dict)
    return found


def test_what_is_sung_on_the_notes_is_right() -> None:
    notes = melody(0, 4, 7, 5, 2, 0)
    found = figures(sung(notes), notes)
    assert found["pitch_accuracy"] > 0.9 and found["raw_pitch_accuracy"] > 0.9


def test_what_is_sung_beside_the_notes_is_wrong() -> None:
    found = figures(sung(melody(0, 4, 7, 5, 2, 0)), melody(1, 3, 8, 7, 0, 1))
    assert found["pitch_accuracy"] < 0.1


def test_another_key_is_no_mistake_where_the_whole_song_is_in_it() -> None:
    notes, higher = melody(0, 4, 7, 5), melody(3, 7, 10, 8)
    assert figures(sung(higher), notes)["pitch_accuracy"] < 0.1
    assert figures(sung(higher), notes, 3.0)["raw_pitch_accuracy"] > 0.9


def test_an_octave_is_folded_in_one_figure_and_told_in_the_other() -> None:
    notes, higher = melody(0, 4, 7, 5), melody(12, 16, 19, 17)
    found = figures(sung(higher), notes)
    assert found["pitch_accuracy"] > 0.9 and found["raw_pitch_accuracy"] < 0.1


def test_without_notes_or_pitch_nothing_is_applicable() -> None:
    notes = melody(0, 4)
    assert figures(sung(notes), []) == {}
    assert figures(Clip.of(np.zeros(RATE, np.float32), RATE), notes) == {}


@given(
    st.lists(st.floats(-0.3, 0.3), min_size=30, max_size=60),
    st.integers(-24, 24).map(float),
)
def test_the_transposition_of_a_song_is_found_and_taken_out(
    spread: list[float], transposed_st: float
) -> None:
    apart = np.array(spread) + transposed_st
    found = best_transposition(apart)
    assert abs(found - transposed_st) < 0.8
    assert accuracy(apart, found) == accuracy(apart, found, fold=False) == 1.0


@given(st.floats(80, 400), st.floats(-40, 40))
def test_deviations_are_semitones(pitch_hz: float, semitones: float) -> None:
    f0_hz = np.full(50, pitch_hz * 2 ** (semitones / 12))
    apart = deviations(f0_hz, [MelodyNote(0.1, 0.3, pitch_hz)])
    assert len(apart) == 20 and np.allclose(apart, semitones)
