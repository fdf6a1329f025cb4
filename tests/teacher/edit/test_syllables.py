"""Syllables: how many are found, and where they are put."""

import numpy as np
import pytest
from spoken_sentences import ENGLISH, spoken_sentences

from lauter.teacher.edit.syllables import held, moved, read_at, stepped, syllables
from lauter.teacher.edit.world import analyse

# Counted by ear, one for each sentence of ENGLISH.
SPOKEN_SYLLABLES = (7, 8, 9, 8, 6, 8, 7, 8, 8, 9, 8)


def test_about_as_many_syllables_are_found_as_are_spoken() -> None:
    found = np.array(
        [
            len(syllables(analyse(spoken.samples, spoken.sample_rate), spoken.language))
            for spoken in spoken_sentences()[: len(ENGLISH)]
        ]
    )
    spoken_count = np.array(SPOKEN_SYLLABLES)
    assert abs(found.sum() / spoken_count.sum() - 1) < 0.15
    assert np.abs(found / spoken_count - 1).mean() < 0.25


def test_syllables_stand_in_order_and_do_not_overlap() -> None:
    for spoken in spoken_sentences()[::3]:
        frames = analyse(spoken.samples, spoken.sample_rate)
        found = syllables(frames, spoken.language)
        bounds = [bound for vowel in found for bound in (vowel.onset, vowel.end)]
        assert bounds == sorted(bounds)
        assert all(vowel.onset < vowel.end for vowel in found)
        assert bounds[-1] <= len(frames.f0_hz)


def test_silence_has_no_syllables() -> None:
    assert syllables(analyse(np.zeros(24_000, np.float32), 24_000), "en") == ()


def test_vowels_begin_where_they_are_put() -> None:
    spoken = spoken_sentences()[7]
    frames = analyse(spoken.samples, spoken.sample_rate)
    found = syllables(frames, spoken.language)
    starts_s = 0.3 + 0.4 * np.arange(len(found))
    line = moved(frames, found, starts_s, float(starts_s[-1]) + 0.8)
    assert len(line.f0_hz) * line.frame_s == pytest.approx(starts_s[-1] + 0.8, abs=line.frame_s)
    for vowel, start_s in zip(found, starts_s, strict=True):
        there = line.spectrum[round(start_s / line.frame_s)]
        np.testing.assert_allclose(there, frames.spectrum[vowel.onset], rtol=1e-6)


def test_what_is_read_where_it_stands_is_unchanged() -> None:
    frames = analyse(spoken_sentences()[0].samples, 24_000)
    same = read_at(frames, np.arange(len(frames.f0_hz), dtype=np.float64))
    np.testing.assert_array_equal(same.f0_hz, frames.f0_hz)
    np.testing.assert_allclose(same.spectrum, frames.spectrum)


def test_a_held_vowel_is_voiced_throughout() -> None:
    frames = analyse(spoken_sentences()[4].samples, 24_000)
    found = syllables(frames, "en")
    whole = held(frames, found)
    for vowel in found:
        if frames.voiced[vowel.onset : vowel.end].any():
            assert whole.voiced[vowel.onset : vowel.end].all()


def test_a_glide_leads_from_one_value_to_the_next() -> None:
    curve = stepped(np.array([1.0, 3.0]), np.array([0, 50]), 100, 11)
    assert len(curve) == 100
    assert curve[0] == pytest.approx(1.0)
    assert curve[-1] == pytest.approx(3.0)
    assert (np.diff(curve) >= -1e-12).all()
    assert curve[50] == pytest.approx(2.0, abs=0.3)
