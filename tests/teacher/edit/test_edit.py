"""The one public verb, from waveform to waveform."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from autocorrelated_prosody import autocorrelated_prosody
from spoken_sentences import Spoken, spoken_sentences

from lauter.datasets.errors import UsageError
from lauter.datasets.tags import Emotion
from lauter.teacher.edit import BASE_DBFS, edit
from lauter.teacher.edit.level import active_level

ASKED: list[dict[str, Any]] = [
    {"emotion": "fear", "emotion_level": 4, "seed": 3},
    {"emotion": "cute", "emotion_level": 2, "speed_level": -2},
    {"speed_level": 5},
    {"style": "rap", "seed": 1},
    {"style": "sung", "emotion": "joy", "emotion_level": 1},
]


@pytest.fixture(scope="module")
def spoken() -> Spoken:
    return spoken_sentences()[5]


def test_where_nothing_is_asked_the_same_array_comes_back(spoken: Spoken) -> None:
    assert edit(spoken.samples, spoken.sample_rate) is spoken.samples


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_the_same_request_gives_the_same_bits(spoken: Spoken, asked: dict[str, Any]) -> None:
    before = spoken.samples.copy()
    once = edit(spoken.samples, spoken.sample_rate, **asked)
    with ThreadPoolExecutor(2) as pool:
        again = list(
            pool.map(lambda _: edit(spoken.samples, spoken.sample_rate, **asked), range(2))
        )
    assert once.dtype == np.float32
    assert np.abs(once).max() < 1
    assert all(np.array_equal(once, other) for other in again)
    assert np.array_equal(spoken.samples, before)


@pytest.mark.parametrize("emotion", [Emotion.JOY, Emotion.SADNESS, Emotion.ANGER])
def test_editing_what_was_edited_is_the_next_level(spoken: Spoken, emotion: Emotion) -> None:
    samples, sample_rate = spoken.samples, spoken.sample_rate
    for _ in range(2):
        samples = edit(samples, sample_rate, emotion=emotion, emotion_level=1)
    twice = autocorrelated_prosody(samples, sample_rate)
    at_once = autocorrelated_prosody(
        edit(spoken.samples, sample_rate, emotion=emotion, emotion_level=2), sample_rate
    )
    assert twice.f0_median_hz == pytest.approx(at_once.f0_median_hz, rel=0.03)
    assert twice.f0_range_semitones == pytest.approx(at_once.f0_range_semitones, rel=0.15)
    assert twice.energy_db == pytest.approx(at_once.energy_db, abs=0.5)
    assert twice.duration_s == pytest.approx(at_once.duration_s, rel=0.01)


def test_energy_survives_to_the_waveform(spoken: Spoken) -> None:
    angry = edit(spoken.samples, spoken.sample_rate, emotion="anger", emotion_level=5)
    assert active_level(angry, spoken.sample_rate) == pytest.approx(BASE_DBFS + 6.0, abs=0.2)


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_silence_can_be_edited(asked: dict[str, Any]) -> None:
    silent = edit(np.zeros(24_000, np.float32), 24_000, **asked)
    assert np.abs(silent).max() < 1e-4


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"emotion": "envy", "emotion_level": 1}, "no emotion 'envy'.*joy, sadness"),
        ({"emotion": "joy", "emotion_level": 0}, "levels 1 to 5, not 0"),
        ({"emotion": "joy", "emotion_level": 6}, "levels 1 to 5, not 6"),
        ({"emotion": "neutral", "emotion_level": 2}, "neutral at level 0"),
        ({"speed_level": 6}, "speed level 6 is out of range; choose -5 to 5"),
        ({"style": "opera"}, "no style 'opera'; it has plain, rap, sung"),
    ],
)
def test_what_there_is_not_is_refused_in_a_sentence(
    spoken: Spoken, asked: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        edit(spoken.samples, spoken.sample_rate, **asked)
