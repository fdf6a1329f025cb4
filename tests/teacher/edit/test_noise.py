"""Noise comes at the ratio asked for; taking it away lowers the floor and leaves the speech."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spoken_sentences import Spoken, spoken_sentences

from lauter.datasets.audio import Samples, resample
from lauter.teacher.edit.level import active_level
from lauter.teacher.edit.noise import with_noise, without_noise

SENTENCES = [spoken_sentences()[number] for number in (0, 5, 11, 15)]


@settings(max_examples=20)
@given(st.sampled_from(SENTENCES), st.floats(0.0, 40.0), st.integers(-(2**63), 2**63 - 1))
def test_noise_lies_so_far_below_the_speech(spoken: Spoken, ratio_db: float, seed: int) -> None:
    noisy = with_noise(spoken.samples, spoken.sample_rate, ratio_db, seed)
    noise = (noisy - spoken.samples).astype(np.float64)
    level = active_level(spoken.samples, spoken.sample_rate)
    assert level - 10 * np.log10(np.mean(noise**2)) == pytest.approx(ratio_db, abs=0.1)
    assert np.abs(noisy).max() < 1
    assert np.array_equal(noisy, with_noise(spoken.samples, spoken.sample_rate, ratio_db, seed))


def test_noise_is_pink() -> None:
    spoken = SENTENCES[0]
    noise = with_noise(spoken.samples, spoken.sample_rate, 15.0, 0) - spoken.samples
    powers = np.square(np.abs(np.fft.rfft(noise)))
    frequencies = np.fft.rfftfreq(len(noise), 1 / spoken.sample_rate)
    octaves = [
        powers[(frequencies >= low) & (frequencies < 2 * low)].sum() for low in (125, 500, 2000)
    ]
    assert octaves == pytest.approx([np.mean(octaves)] * 3, rel=0.15)  # the same in each octave


def test_another_seed_is_other_noise() -> None:
    spoken = SENTENCES[0]
    one, other = (with_noise(spoken.samples, spoken.sample_rate, 15.0, seed) for seed in (1, 2))
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("ratio_db", [10.0, 15.0, 20.0])
@pytest.mark.parametrize("spoken", SENTENCES, ids=lambda spoken: spoken.text)
def test_noise_that_is_taken_away_is_gone_between_words_and_less_within(
    spoken: Spoken, ratio_db: float
) -> None:
    noisy = with_noise(spoken.samples, spoken.sample_rate, ratio_db, 3)
    cleaned = without_noise(noisy, spoken.sample_rate)
    assert len(cleaned) == len(noisy) and cleaned.dtype == np.float32
    lowered_db = floor_db(noisy, spoken.sample_rate) - floor_db(cleaned, spoken.sample_rate)
    assert lowered_db > 25
    level = active_level(spoken.samples, spoken.sample_rate)
    assert active_level(cleaned, spoken.sample_rate) == pytest.approx(level, abs=1.0)
    assert np.mean(np.square(cleaned - spoken.samples)) < 0.75 * np.mean(
        np.square(noisy - spoken.samples)
    )


def floor_db(samples: Samples, sample_rate: int) -> float:
    """The level of the quietest tenth of 20 ms."""
    size = round(0.02 * sample_rate)
    frames = samples[: len(samples) // size * size].reshape(-1, size).astype(np.float64)
    return float(10 * np.log10(np.quantile(np.mean(frames**2, axis=1), 0.1) + 1e-12))


@pytest.mark.parametrize("spoken", SENTENCES, ids=lambda spoken: spoken.text)
def test_speech_without_noise_stays_as_it_is(spoken: Spoken) -> None:
    difference = without_noise(spoken.samples, spoken.sample_rate) - spoken.samples
    assert np.mean(np.square(difference)) < 1e-5 * np.mean(np.square(spoken.samples))


@pytest.mark.parametrize("sample_rate", [8000, 11025, 16000, 22050, 44100])
def test_other_rates_are_cleaned_too(sample_rate: int) -> None:
    samples = resample(SENTENCES[0].samples, SENTENCES[0].sample_rate, sample_rate)
    noisy = with_noise(samples, sample_rate, 15.0, 3)
    cleaned = without_noise(noisy, sample_rate)
    assert len(cleaned) == len(noisy)
    assert floor_db(cleaned, sample_rate) < floor_db(noisy, sample_rate) - 20


@settings(max_examples=30)
@given(st.integers(0, 4000))
def test_any_length_keeps_its_length(count: int) -> None:
    samples = SENTENCES[0].samples[10_000 : 10_000 + count]
    assert len(without_noise(samples, 24000)) == count
