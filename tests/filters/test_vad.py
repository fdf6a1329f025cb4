"""Where speech is: pads of silence around real speech come out as long as they are."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from studio_clips import sample_of, studio_clips

from lauter.datasets.audio import Clip, Samples
from lauter.filters.vad import MIN_SILENCE_WINDOWS, SAMPLE_RATE, VadScorer, speech_spans

VAD = VadScorer()


def figures(samples: Samples) -> dict[str, float]:
    (found,) = VAD.score([sample_of(Clip.of(samples, SAMPLE_RATE))])
    assert not isinstance(found, Exception)
    return dict(found)


@pytest.mark.parametrize("number", range(0, 8, 2))
def test_pads_of_silence_are_measured_to_50_ms(number: int) -> None:
    speech = studio_clips()[number].clip.at(SAMPLE_RATE)
    bare = figures(speech)
    for before_s, after_s in ((0.3, 0.9), (1.24, 0.45)):
        padded = np.pad(speech, (int(before_s * SAMPLE_RATE), int(after_s * SAMPLE_RATE)))
        found = figures(padded)
        assert found["leading_silence_s"] - bare["leading_silence_s"] == pytest.approx(
            before_s, abs=0.05
        )
        assert found["trailing_silence_s"] - bare["trailing_silence_s"] == pytest.approx(
            after_s, abs=0.05
        )
        assert found["speech_s"] == pytest.approx(bare["speech_s"], abs=0.1)


def test_a_pause_within_is_measured() -> None:
    left, right = (studio_clips()[number].clip.at(SAMPLE_RATE) for number in (0, 1))
    joined = np.concatenate([left, np.zeros(2 * SAMPLE_RATE, np.float32), right])
    edges = figures(left)["trailing_silence_s"] + figures(right)["leading_silence_s"]
    assert figures(joined)["longest_pause_s"] == pytest.approx(2.0 + edges, abs=0.1)


@pytest.mark.parametrize("loudness", [0.0, 0.01, 0.1])
def test_silence_and_noise_are_no_speech(loudness: float) -> None:
    noise = np.random.default_rng(0).standard_normal(2 * SAMPLE_RATE) * loudness
    found = figures(noise.astype(np.float32))
    assert found["speech_ratio"] == found["speech_s"] == found["longest_pause_s"] == 0.0
    assert found["leading_silence_s"] == found["trailing_silence_s"] == 2.0


@given(st.lists(st.floats(0.0, 1.0, width=32), max_size=60))
def test_spans_are_apart_and_within(probabilities: list[float]) -> None:
    spans = speech_spans(np.array(probabilities, np.float32))
    edges = [edge for span in spans for edge in span]
    assert edges == sorted(edges)
    assert all(0 <= edge <= len(probabilities) for edge in edges)
    assert all(after - before >= MIN_SILENCE_WINDOWS for (_, before), (after, _) in pairwise(spans))
