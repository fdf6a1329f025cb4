"""Analysis and resynthesis."""

from dataclasses import replace

import numpy as np
import pytest
from autocorrelated_prosody import autocorrelated_prosody
from spoken_sentences import spoken_sentences

from lauter.datasets.audio import resample
from lauter.datasets.errors import UsageError
from lauter.teacher.edit.world import analyse, synthesise


def test_unedited_speech_comes_back_with_its_prosody() -> None:
    for spoken in spoken_sentences()[::4]:
        back = synthesise(analyse(spoken.samples, spoken.sample_rate))
        before = autocorrelated_prosody(spoken.samples, spoken.sample_rate)
        after = autocorrelated_prosody(back, spoken.sample_rate)
        assert back.dtype == np.float32
        assert after.duration_s == pytest.approx(before.duration_s, abs=0.01)
        assert after.f0_median_hz == pytest.approx(before.f0_median_hz, rel=0.06)
        assert after.energy_db == pytest.approx(before.energy_db, abs=1.0)


@pytest.mark.parametrize("sample_rate", [16_000, 22_050, 48_000])
def test_other_sample_rates_serve_too(sample_rate: int) -> None:
    spoken = spoken_sentences()[1]
    samples = resample(spoken.samples, spoken.sample_rate, sample_rate)
    back = synthesise(analyse(samples, sample_rate))
    assert len(back) == pytest.approx(len(samples), abs=0.01 * sample_rate)


def test_the_seed_decides_the_tremor_and_nothing_else() -> None:
    spoken = spoken_sentences()[2]
    calm = analyse(spoken.samples, spoken.sample_rate)
    afraid = replace(calm, tremor_semitones=0.5)
    assert np.array_equal(synthesise(calm, seed=1), synthesise(calm, seed=2))
    assert np.array_equal(synthesise(afraid, seed=1), synthesise(afraid, seed=1))
    assert not np.array_equal(synthesise(afraid, seed=1), synthesise(afraid, seed=2))


def test_silence_comes_back_as_silence() -> None:
    silence = np.zeros(12_000, np.float32)
    assert np.abs(synthesise(analyse(silence, 24_000))).max() < 1e-4


def test_too_short_speech_is_refused_in_a_sentence() -> None:
    with pytest.raises(UsageError, match="100 samples at 24000 Hz is too short"):
        analyse(np.zeros(100, np.float32), 24_000)
