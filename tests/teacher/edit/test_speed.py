"""Fast and slow: pace moves, pitch and level stay."""

import numpy as np
import pytest
from autocorrelated_prosody import autocorrelated_prosody
from spoken_sentences import spoken_sentences

from lauter.datasets.tags import MAX_LEVEL
from lauter.teacher.edit.change import apply
from lauter.teacher.edit.speed import paced
from lauter.teacher.edit.world import analyse, synthesise

LEVELS = range(-MAX_LEVEL, MAX_LEVEL + 1)


@pytest.mark.slow
def test_every_speed_level_is_faster_than_the_one_before_in_every_sentence() -> None:
    for spoken in spoken_sentences():
        frames = analyse(spoken.samples, spoken.sample_rate)
        neutral = autocorrelated_prosody(spoken.samples, spoken.sample_rate)
        lengths = []
        for level in LEVELS:
            samples = synthesise(apply(frames, paced(level)))
            lengths.append(len(samples))
            if abs(level) == MAX_LEVEL:
                heard = autocorrelated_prosody(samples, spoken.sample_rate)
                assert heard.f0_median_hz == pytest.approx(neutral.f0_median_hz, rel=0.1)
                assert heard.energy_db == pytest.approx(neutral.energy_db, abs=1.0)
        assert (np.diff(lengths) < 0).all()
        ratios = np.array(lengths[:-1]) / np.array(lengths[1:])
        np.testing.assert_allclose(ratios, 1.1, rtol=0.02)
