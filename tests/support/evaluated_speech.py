"""A small real evaluation: one teacher, and a student that fails in every way there is."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
from spoken_sentences import ENGLISH, spoken_sentences

from lauter.datasets.audio import Clip
from lauter.datasets.records import Prompt, Request
from lauter.filters.asr import AsrScorer
from lauter.filters.error_rate import ErrorRateScorer
from lauter.filters.speaker import SpeakerScorer
from lauter.pipelines.evaluate import Evaluation, evaluate
from lauter.pipelines.evaluation_items import Item
from lauter.pipelines.evaluation_systems import Recorded, Spoken

SCORERS = (SpeakerScorer, AsrScorer, ErrorRateScorer)
HOSTILE = "<script>alert(1)</script> & a {{ kettle }}"
"""Asked for by one item, whose sound is of another sentence."""


@cache
def items(texts: int = 4) -> tuple[Item, ...]:
    """English sentences as their teacher said them, and one in a dialect that nobody may judge."""
    spoken = spoken_sentences()
    reference = Clip.of(spoken[len(ENGLISH) - 1].samples, spoken[0].sample_rate)
    found = [
        Item(
            _request(spoken[number].text if number else HOSTILE, number),
            Clip.of(spoken[number].samples, spoken[number].sample_rate),
            0.1,
            reference,
            ENGLISH[-1],
        )
        for number in range(texts)
    ]
    unheard = replace(found[0], request=_request("朝早好。", texts, "yue", "zh"))
    return (*found, unheard)


def _request(text: str, number: int, dialect: str = "en-US", language: str = "en") -> Request:
    emotion = {"emotion": "joy", "emotion_level": 2} if number % 2 else {}
    prompt = Prompt(text, language, dialect, speaker="heart", **emotion)  # type: ignore[arg-type]
    return Request(prompt, "hibari", "hibari-1", number).identified()


class Echo:
    """Says what the teacher said, damaged a little: noise at 20 dB below it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def speak(self, items: Sequence[Item]) -> list[Spoken]:
        return [Spoken(_noisy(item), _recording(item).sample_rate, None, 0.5) for item in items]


class Broken:
    """Never ends the second text, stops in the middle of the third, says nothing to the fourth."""

    name = "student"

    def speak(self, items: Sequence[Item]) -> list[Spoken]:
        spoken = []
        for item in items:
            samples = _recording(item).samples
            rate = _recording(item).sample_rate
            answers = [
                Spoken(samples, rate, None, 0.2),
                Spoken(samples, rate, "no end", 0.2),
                Spoken(samples[: len(samples) // 2], rate, None, 0.2),
                Spoken(None, rate, "empty", 0.2),
            ]
            spoken.append(answers[item.request.seed % 4])
        return spoken


def _recording(item: Item) -> Clip:
    assert item.recording is not None
    return item.recording


def _noisy(item: Item) -> np.ndarray:
    samples = _recording(item).samples
    noise = np.random.default_rng(item.request.seed).standard_normal(len(samples))
    return (samples + 0.1 * samples.std() * noise).astype(np.float32)


@cache
def evaluated() -> Evaluation:
    """Return the evaluation of three systems."""
    return evaluate(items(), [Recorded(), Echo("resynthesis"), Broken()], SCORERS, batch_size=3)
