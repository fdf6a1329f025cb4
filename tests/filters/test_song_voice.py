"""One voice or two: a line is held against the voice that sings most of its song."""

import numpy as np
import pytest
from song_material import spoken_line

from lauter.datasets import weights
from lauter.datasets.audio import Samples, resample
from lauter.datasets.records import Prompt, Request
from lauter.filters.song_voice import LEAST_S, SAMPLE_RATE, likeness, voice_of_song, windows
from lauter.filters.speaker import SpeakerEncoder
from lauter.teacher.fast import FastTeacher
from lauter.teacher.protocol import Speech


@pytest.fixture(scope="module")
def encoder() -> SpeakerEncoder:
    return SpeakerEncoder(weights.find("speaker-encoder"))


@pytest.fixture(scope="module")
def voices() -> tuple[Samples, Samples]:
    """Speech of the fast teacher's two voices, at 16 kHz."""
    one = spoken_line("The river runs down to the open sea, and I walk along till the morning.")
    teacher = FastTeacher()
    prompt = Prompt("川は海まで流れて、私は朝まで歩いていきます。", "ja", "ja-JP", speaker="mei")
    (other,) = teacher.speak([Request(prompt, teacher.name, teacher.fingerprint(), 0)])
    assert isinstance(other, Speech)
    first, second = (
        resample(speech.samples, speech.sample_rate, SAMPLE_RATE) for speech in (one, other)
    )
    return first, second


def test_a_second_voice_in_a_line_is_heard(
    encoder: SpeakerEncoder, voices: tuple[Samples, Samples]
) -> None:
    one, other = voices
    mean = voice_of_song(encoder, one, [(0.0, len(one) / SAMPLE_RATE)])
    assert mean is not None and np.linalg.norm(mean) == pytest.approx(1.0, abs=1e-5)
    alone = likeness(encoder, one, mean)
    both = likeness(encoder, np.concatenate([one[: 2 * SAMPLE_RATE], other]), mean)
    assert alone is not None and both is not None
    assert alone > 0.8 and both < alone - 0.1


def test_where_nobody_sings_long_enough_nothing_is_applicable(encoder: SpeakerEncoder) -> None:
    short = np.ones(round(LEAST_S * SAMPLE_RATE) - 1, np.float32)
    assert voice_of_song(encoder, short, []) is None
    assert windows(short) == []
    assert likeness(encoder, short, np.ones(256, np.float32)) is None
