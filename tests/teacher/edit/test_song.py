"""Sung lines: the pitch that is heard is the melody's."""

from itertools import pairwise

import numpy as np
import pytest
from autocorrelated_prosody import pitch_hz
from spoken_sentences import Spoken, spoken_sentences

from lauter.datasets.audio import Samples
from lauter.teacher.edit import edit
from lauter.teacher.edit.song import A4_HZ, MELODIES, Note, score
from lauter.teacher.edit.syllables import syllables
from lauter.teacher.edit.world import analyse


@pytest.fixture(scope="module")
def lines() -> tuple[Spoken, ...]:
    return spoken_sentences()[::2]


def notes_of(spoken: Spoken, seed: int) -> list[Note]:
    frames = analyse(spoken.samples, spoken.sample_rate)
    found = syllables(frames, spoken.language)
    return score(len(found), MELODIES[seed % len(MELODIES)], frames, found[0].onset)


def cents_off(samples: Samples, sample_rate: int, note: Note) -> float:
    """How far the middle of a note is from where it should be; nan where it has no voice."""
    length_s = note.end_s - note.start_s
    first, last = note.start_s + 0.25 * length_s, note.start_s + 0.6 * length_s
    stretch = samples[round(first * sample_rate) : round(last * sample_rate)]
    heard_hz = pitch_hz(stretch, sample_rate, note.pitch_hz / 1.6, note.pitch_hz * 1.6)
    return float(1200 * np.log2(heard_hz / note.pitch_hz))


@pytest.mark.slow
def test_the_pitch_of_every_line_is_within_cents_of_its_melody(lines: tuple[Spoken, ...]) -> None:
    errors = []
    for seed, spoken in enumerate(lines):
        line = edit(
            spoken.samples, spoken.sample_rate, style="sung", seed=seed, language=spoken.language
        )
        errors += [cents_off(line, spoken.sample_rate, note) for note in notes_of(spoken, seed)]
    heard = np.abs([error for error in errors if not np.isnan(error)])
    assert len(heard) > 0.8 * len(errors), "too many notes without a voice"
    assert np.median(heard) < 15
    assert (heard < 50).mean() > 0.9, "more than a tenth of the notes are off by a quarter tone"


def test_speech_does_not_follow_the_melody_by_itself(lines: tuple[Spoken, ...]) -> None:
    spoken = lines[0]
    errors = [
        cents_off(spoken.samples, spoken.sample_rate, note)
        for note in notes_of(spoken, 0)
        if note.end_s < len(spoken.samples) / spoken.sample_rate
    ]
    assert np.nanmedian(np.abs(errors)) > 50


def test_every_line_ends_on_the_tonic_of_equal_temperament_near_the_speakers_pitch(
    lines: tuple[Spoken, ...],
) -> None:
    for seed, spoken in enumerate(lines):
        frames = analyse(spoken.samples, spoken.sample_rate)
        notes = notes_of(spoken, seed)
        semitones = 12 * np.log2(notes[-1].pitch_hz / A4_HZ)
        assert semitones == pytest.approx(round(semitones), abs=1e-9)
        middle_hz = float(np.median([note.pitch_hz for note in notes]))
        assert abs(12 * np.log2(middle_hz / frames.median_f0_hz)) < 5


def test_notes_follow_each_other_without_a_gap(lines: tuple[Spoken, ...]) -> None:
    notes = notes_of(lines[1], 2)
    assert all(note.end_s == pytest.approx(after.start_s) for note, after in pairwise(notes))


def test_the_seed_chooses_the_melody(lines: tuple[Spoken, ...]) -> None:
    spoken = lines[0]
    tunes = {
        tuple(round(note.pitch_hz, 3) for note in notes_of(spoken, seed))
        for seed in range(len(MELODIES))
    }
    assert len(tunes) == len(MELODIES)
