"""The law of Audio-Edit: a change is a vector, and editing again is adding it."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spoken_sentences import spoken_sentences

from lauter.teacher.edit.change import Change, apply
from lauter.teacher.edit.world import Frames, analyse


@pytest.fixture(scope="module")
def frames() -> Frames:
    return analyse(spoken_sentences()[0].samples, spoken_sentences()[0].sample_rate)


small = st.floats(-1.0, 1.0, allow_nan=False)
changes = st.builds(
    Change,
    pitch_semitones=small,
    range_octaves=small.map(lambda octaves: octaves / 4),
    energy_db=small,
    rate_octaves=small,
    tilt_db_per_octave=small,
    breath_db=small,
    tremor_semitones=small,
)


def assert_same(one: Frames, other: Frames) -> None:
    np.testing.assert_allclose(one.f0_hz, other.f0_hz, rtol=1e-9)
    np.testing.assert_allclose(one.spectrum, other.spectrum, rtol=1e-9)
    np.testing.assert_allclose(one.aperiodicity, other.aperiodicity, rtol=1e-7)
    assert one.frame_s == pytest.approx(other.frame_s)
    assert one.level_dbfs == pytest.approx(other.level_dbfs)
    assert one.tremor_semitones == pytest.approx(other.tremor_semitones)


@settings(max_examples=25, deadline=None)
@given(first=changes, second=changes)
def test_a_sum_of_changes_is_one_change_after_the_other(
    frames: Frames, first: Change, second: Change
) -> None:
    assert_same(apply(frames, first + second), apply(apply(frames, first), second))


@settings(max_examples=10, deadline=None)
@given(change=changes, level=st.integers(1, 5))
def test_level_n_is_level_n_minus_1_edited_again(
    frames: Frames, change: Change, level: int
) -> None:
    assert_same(apply(frames, change * level), apply(apply(frames, change * (level - 1)), change))


def test_moving_the_formants_twice_is_moving_them_twice_as_far(frames: Frames) -> None:
    change = Change(formant_octaves=0.03)
    twice = apply(apply(frames, change), change).spectrum
    at_once = apply(frames, change * 2).spectrum
    apart_db = np.abs(10 * np.log10(twice / at_once))
    assert np.median(apart_db) < 0.1
    assert np.quantile(apart_db, 0.99) < 1.0


def test_no_change_changes_nothing(frames: Frames) -> None:
    same = apply(frames, Change())
    assert all(
        np.array_equal(getattr(same, field.name), getattr(frames, field.name))
        for field in fields(Frames)
    )


def test_range_grows_about_the_median_and_leaves_it(frames: Frames) -> None:
    wider = apply(frames, Change(range_octaves=1.0))
    voiced = frames.voiced
    before = np.log2(frames.f0_hz[voiced] / frames.median_f0_hz)
    after = np.log2(wider.f0_hz[voiced] / frames.median_f0_hz)
    assert wider.median_f0_hz == pytest.approx(frames.median_f0_hz)
    np.testing.assert_allclose(after, 2 * before, atol=1e-9)


def test_a_semitone_is_a_semitone(frames: Frames) -> None:
    higher = apply(frames, Change(pitch_semitones=12.0))
    np.testing.assert_allclose(higher.f0_hz, 2 * frames.f0_hz)


def test_a_peak_of_the_spectrum_moves_by_the_formant_factor(frames: Frames) -> None:
    bins = frames.spectrum.shape[1]
    peak = np.exp(-(((np.arange(bins) - 100) / 8) ** 2)) + 1e-6
    smooth = replace(frames, spectrum=np.tile(peak, (len(frames.f0_hz), 1)))
    moved = apply(smooth, Change(formant_octaves=float(np.log2(1.2)))).spectrum[0]
    assert moved.argmax() == 120


def test_tilt_turns_about_1_khz(frames: Frames) -> None:
    brighter = apply(frames, Change(tilt_db_per_octave=3.0))
    gain_db = 10 * np.log10(brighter.spectrum[0] / frames.spectrum[0])
    expected = {500.0: -3.0, 1000.0: 0.0, 2000.0: 3.0, 4000.0: 6.0}
    for frequency_hz, decibels in expected.items():
        nearest = np.abs(frames.frequencies_hz - frequency_hz).argmin()
        assert gain_db[nearest] == pytest.approx(decibels, abs=0.2)


def test_breath_stays_a_share_however_often_it_is_added(frames: Frames) -> None:
    breathy = apply(frames, Change(breath_db=60.0)).aperiodicity
    assert breathy.min() >= 0
    assert breathy.max() <= 1
    assert (breathy >= frames.aperiodicity).all()
