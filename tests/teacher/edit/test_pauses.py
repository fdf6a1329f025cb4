"""Silence put in and taken out: by exactly so much, and never any speech with it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spoken_sentences import Spoken, spoken_sentences

from lauter.datasets.audio import Samples
from lauter.teacher.edit.pauses import pauses, with_silence, without_silence

RATE = 16000
STRETCHES = st.lists(st.tuples(st.booleans(), st.integers(1, 6000)), max_size=8)
"""Voiced or not, and how many samples."""


def wave_of(stretches: list[tuple[bool, int]]) -> Samples:
    """A tone that is there or not; the tone has no sample that is nothing."""
    pieces = [
        np.where(np.arange(count) % 40 < 20, 0.3, -0.3) * is_voiced
        for is_voiced, count in stretches
    ]
    return np.concatenate([np.zeros(0), *pieces]).astype(np.float32)


@given(STRETCHES)
def test_no_speech_is_ever_taken_out(stretches: list[tuple[bool, int]]) -> None:
    samples = wave_of(stretches)
    shorter = without_silence(samples, RATE)
    assert np.array_equal(shorter[shorter != 0], samples[samples != 0])
    assert len(shorter) <= len(samples)


@given(STRETCHES)
def test_no_long_pause_is_left(stretches: list[tuple[bool, int]]) -> None:
    samples = wave_of(stretches)
    shorter = without_silence(samples, RATE)
    if samples.any():
        longest = max((end - first for first, end in pauses(shorter, RATE)), default=0)
        assert longest <= 0.2 * RATE
        assert np.array_equal(without_silence(shorter, RATE), shorter)
    else:
        assert np.array_equal(shorter, samples)  # nothing but silence stays


@given(STRETCHES, st.floats(0.1, 1.0))
def test_so_much_silence_is_put_at_both_ends_and_into_each_pause(
    stretches: list[tuple[bool, int]], seconds: float
) -> None:
    samples = wave_of(stretches)
    within = [one for one in pauses(samples, RATE) if one[0] > 0 and one[1] < len(samples)]
    longer = with_silence(samples, RATE, seconds)
    assert len(longer) == len(samples) + (2 + len(within)) * round(seconds * RATE)
    assert np.array_equal(longer[longer != 0], samples[samples != 0])


@given(STRETCHES)
def test_pauses_hold_no_speech_and_miss_no_long_silence(stretches: list[tuple[bool, int]]) -> None:
    samples = wave_of(stretches)
    found = np.zeros(len(samples), bool)
    for first, end in pauses(samples, RATE):
        found[first:end] = True
        assert end - first >= 0.1 * RATE - 160 or end == len(samples)
    if samples.any():
        assert not found[samples != 0].any()
    position = 0
    for is_voiced, count in stretches:
        inside = slice(position, position + count)
        if not is_voiced and count >= 0.12 * RATE and samples.any():
            assert found[inside].sum() >= count - 320
        position += count


@pytest.mark.parametrize("spoken", spoken_sentences()[::4], ids=lambda spoken: spoken.text)
def test_real_speech_goes_through_both_with_every_loud_moment(spoken: Spoken) -> None:
    rate = spoken.sample_rate
    longer = with_silence(spoken.samples, rate, 0.6)
    shorter = without_silence(longer, rate)
    assert len(longer) >= len(spoken.samples) + 1.2 * rate
    loud = np.sqrt(np.mean(np.square(spoken.samples))) * 10 ** (-20 / 20)
    for samples in (longer, shorter):
        assert np.array_equal(
            samples[np.abs(samples) > loud], spoken.samples[np.abs(spoken.samples) > loud]
        )
    ends = [shorter[: round(0.15 * rate)], shorter[-round(0.15 * rate) :]]
    assert all(np.abs(end).max() > 1e-3 for end in ends)  # 0.1 s is left, then there is speech
