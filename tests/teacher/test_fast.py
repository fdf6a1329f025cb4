"""The fast teacher: real speech of two languages, by seed the same to the bit."""

import numpy as np
import pytest

from lauter.datasets.records import Prompt, Request
from lauter.teacher.fast import FastTeacher
from lauter.teacher.protocol import Speech


@pytest.fixture(scope="module")
def fast() -> FastTeacher:
    return FastTeacher()


ENGLISH = Prompt("She sold 42 paintings.", "en", "en-US", speaker="heart")
JAPANESE = Prompt("午後3時45分に駅で会いましょう。", "ja", "ja-JP", speaker="mei")


def speak(fast: FastTeacher, prompt: Prompt, seed: int = 0) -> Speech:
    (answer,) = fast.speak([Request(prompt, fast.name, fast.fingerprint(), seed)])
    assert isinstance(answer, Speech), answer
    return answer


@pytest.mark.parametrize(
    ("prompt", "sample_rate", "shortest", "longest"),
    [(ENGLISH, 24_000, 1.0, 3.0), (JAPANESE, 48_000, 2.0, 5.0)],
)
def test_it_speaks_both_its_languages(
    fast: FastTeacher, prompt: Prompt, sample_rate: int, shortest: float, longest: float
) -> None:
    speech = speak(fast, prompt)
    assert speech.samples is not None
    assert speech.sample_rate == sample_rate
    assert speech.samples.dtype == np.float32
    assert shortest < len(speech.samples) / sample_rate < longest
    assert 0.05 < np.abs(speech.samples).max() < 1.0


@pytest.mark.parametrize("prompt", [ENGLISH, JAPANESE])
def test_the_same_request_gives_the_same_bits(fast: FastTeacher, prompt: Prompt) -> None:
    assert np.array_equal(speak(fast, prompt).samples, speak(FastTeacher(), prompt).samples)


def test_another_seed_is_another_take(fast: FastTeacher) -> None:
    assert not np.array_equal(speak(fast, ENGLISH, 0).samples, speak(fast, ENGLISH, 1).samples)


def test_what_it_cannot_do_comes_back_as_a_refusal(fast: FastTeacher) -> None:
    mandarin = Prompt("你好。", "zh", "cmn", speaker="heart")
    unread = Prompt("はい♪", "ja", "ja-JP", speaker="mei")
    silent = Prompt("…", "en", "en-US", speaker="heart")
    answers = fast.speak([Request(prompt, "fast", "", 0) for prompt in (mandarin, unread, silent)])
    assert "no voice of the teacher 'fast' speaks cmn" in str(answers[0])
    assert "cannot read" in str(answers[1])
    assert "nothing that can be read aloud" in str(answers[2])
