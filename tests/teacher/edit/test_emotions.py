"""Each emotion moves its measures as the literature says, further with each level.

Over 20 sentences of real speech, measured twice: by an analysis that is not WORLD's, and by the one
after which the filters judge.
"""

from collections.abc import Mapping

import numpy as np
import pytest
from autocorrelated_prosody import autocorrelated_prosody
from numpy.typing import NDArray
from spoken_sentences import spoken_sentences

from lauter.datasets.audio import Samples
from lauter.datasets.tags import MAX_LEVEL, Emotion
from lauter.filters.prosody import measure_prosody
from lauter.teacher.edit.change import apply
from lauter.teacher.edit.emotions import EMOTIONS
from lauter.teacher.edit.world import Frames, analyse, synthesise

MEASURES = ("pitch", "range", "energy", "rate")

# Written down from the reviews, not taken from the parameters: 1 up, -1 down, 0 stays.
INTENDED: Mapping[Emotion, tuple[int, int, int, int]] = {
    Emotion.JOY: (1, 1, 1, 1),
    Emotion.SADNESS: (-1, -1, -1, -1),
    Emotion.ANGER: (1, 1, 1, 1),
    Emotion.FEAR: (1, -1, -1, 1),
    Emotion.CUTE: (1, 1, 0, -1),
}


def measured(samples: Samples, sample_rate: int) -> NDArray[np.float64]:
    """``[analyses, measures]``: pitch and range in semitones, energy in dB, rate in octaves."""
    ours = autocorrelated_prosody(samples, sample_rate)
    filters = measure_prosody(samples, sample_rate)
    assert filters.f0_mean_hz is not None
    assert filters.f0_range_st is not None
    rate = -np.log2(len(samples) / sample_rate)
    return np.array(
        [
            [12 * np.log2(ours.f0_median_hz), ours.f0_range_semitones, ours.energy_db, rate],
            [12 * np.log2(filters.f0_mean_hz), filters.f0_range_st, filters.energy_db, rate],
        ]
    )


@pytest.fixture(scope="module")
def analysed() -> list[Frames]:
    return [analyse(spoken.samples, spoken.sample_rate) for spoken in spoken_sentences()]


@pytest.fixture(scope="module")
def neutral() -> NDArray[np.float64]:
    """``[sentences, analyses, measures]`` of the speech as it was spoken."""
    return np.stack([measured(spoken.samples, spoken.sample_rate) for spoken in spoken_sentences()])


@pytest.mark.slow
@pytest.mark.parametrize("emotion", INTENDED)
def test_every_level_moves_every_measure_further_as_intended(
    emotion: Emotion, analysed: list[Frames], neutral: NDArray[np.float64]
) -> None:
    moved = [neutral]
    for level in range(1, MAX_LEVEL + 1):
        edited = [synthesise(apply(frames, EMOTIONS[emotion] * level)) for frames in analysed]
        moved.append(np.stack([measured(samples, analysed[0].sample_rate) for samples in edited]))
    steps = np.diff(np.stack(moved), axis=0)  # [levels, sentences, analyses, measures]
    assert steps.shape[1] >= 20
    for measure, direction in enumerate(INTENDED[emotion]):
        name = f"{emotion}: {MEASURES[measure]}"
        if direction:
            forward = direction * steps[..., measure]
            assert (forward.mean(axis=1) > 0).all(), f"{name} does not move at every level"
            assert (forward.sum(axis=0) > 0).mean() > 0.9, f"{name} moves back in some sentences"
            assert (forward > 0).mean() > 0.8, f"{name} moves back too often"
        else:
            assert np.abs(steps[..., measure].sum(axis=0)).mean() < 0.5, f"{name} moves"


def test_every_emotion_has_its_own_change() -> None:
    assert set(EMOTIONS) == set(INTENDED) == set(Emotion) - {Emotion.NEUTRAL}
    assert len(set(EMOTIONS.values())) == len(EMOTIONS)


def test_only_cute_moves_the_formants_which_are_the_speakers_own() -> None:
    moving = {emotion for emotion, change in EMOTIONS.items() if change.formant_octaves}
    assert moving == {Emotion.CUTE}


def test_only_fear_trembles() -> None:
    trembling = {emotion for emotion, change in EMOTIONS.items() if change.tremor_semitones}
    assert trembling == {Emotion.FEAR}
