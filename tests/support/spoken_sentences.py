"""Real neutral speech for the tests: English by hibari, Japanese by Open JTalk, at 24 kHz."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pyopenjtalk
from hibari import SAMPLE_RATE, Hibari
from numpy.typing import NDArray

from lauter.datasets.audio import resample
from lauter.teacher.edit import base_level

ENGLISH = (
    "The last train leaves at nine.",
    "Did you water the plants today?",
    "Seven people waited in the rain.",
    "I cannot find my other shoe.",
    "Turn left at the bakery.",
    "My grandmother grows tomatoes.",
    "When does the museum open?",
    "The lighthouse was built long ago.",
    "She painted the door dark green.",
    "We counted forty boats on the lake.",
    "Please bring me a glass of milk.",
)
JAPANESE = (
    "公園まで散歩に行きましょう。",
    "駅の前にパン屋があります。",
    "会議は何時からですか。",
    "祖母は庭の花に水をやります。",
    "電車が少し遅れています。",
    "この道をまっすぐ行ってください。",
    "昨日は雨が降りました。",
    "弟は自転車で学校に通います。",
    "窓を開けてもいいですか。",
)


@dataclass(frozen=True)
class Spoken:
    """A sentence and its speech, float32 ``[samples]`` at 24 kHz and the base level."""

    text: str
    language: str
    samples: NDArray[np.float32]
    sample_rate: int = SAMPLE_RATE


@cache
def spoken_sentences() -> tuple[Spoken, ...]:
    """Return all sentences, spoken; the same to the bit each time."""
    voice = Hibari()
    english = (Spoken(text, "en", _based(voice(text, seed=0), SAMPLE_RATE)) for text in ENGLISH)
    japanese = (Spoken(text, "ja", _japanese(text)) for text in JAPANESE)
    return (*english, *japanese)


def _japanese(text: str) -> NDArray[np.float32]:
    wave, sample_rate = pyopenjtalk.tts(text)
    return _based((wave / 32768.0).astype(np.float32), int(sample_rate))


def _based(samples: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
    return base_level(resample(samples, sample_rate, SAMPLE_RATE), SAMPLE_RATE)
