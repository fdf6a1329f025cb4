"""What was said is still understood after an edit: Whisper base hears it."""

from typing import Any

import pytest
from spoken_sentences import spoken_sentences

from lauter.datasets.audio import resample
from lauter.datasets.tags import Dialect, Language
from lauter.filters.asr import SAMPLE_RATE, WhisperRecogniser
from lauter.filters.error_rate import character_error_rates
from lauter.teacher.edit import edit
from lauter.teacher.edit.emotions import EMOTIONS

ASKED: list[dict[str, Any]] = [
    {},
    *({"emotion": emotion.value, "emotion_level": 3} for emotion in EMOTIONS),
    {"speed_level": 3},
    {"style": "rap"},
    {"style": "sung"},
]


@pytest.mark.slow
def test_an_edit_costs_few_characters_of_intelligibility() -> None:
    sentences = spoken_sentences()[:3]
    recogniser = WhisperRecogniser()
    rates = []
    for asked in ASKED:
        speech = [
            resample(
                edit(spoken.samples, spoken.sample_rate, **asked), spoken.sample_rate, SAMPLE_RATE
            )
            for spoken in sentences
        ]
        transcripts = recogniser.transcribe(speech, [Dialect.EN_US] * len(speech))
        rates.append(
            character_error_rates(
                [spoken.text for spoken in sentences],
                [transcript.text for transcript in transcripts],
                Language.ENGLISH,
            ).mean()
        )
    neutral, *edited = rates
    assert neutral < 0.1, "the recogniser does not understand neutral speech"
    for asked, rate in zip(ASKED[1:], edited, strict=True):
        assert rate < neutral + 0.1, f"{asked}: CER {rate:.3f}, neutral {neutral:.3f}"
