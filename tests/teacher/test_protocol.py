"""Refusals: what a teacher cannot do is said at planning, in a sentence that says what it can."""

import dataclasses

import pytest

from lauter.datasets.records import Prompt
from lauter.datasets.voices import Voice
from lauter.teacher.protocol import Capabilities, refusal

ABLE = Capabilities(
    voices=(
        Voice("ann", "en-US", "female", "CC0-1.0", "a test"),
        Voice("bob", "en-US", "male", "CC0-1.0", "a test"),
        Voice("mei", "ja-JP", "female", "CC0-1.0", "a test"),
    ),
    emotion_levels={"neutral": 0, "joy": 3},
    speed_levels={"fast": 2, "slow": 1},
)
PLAIN = Prompt("Hello.", "en", "en-US", speaker="ann")


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"dialect": "yue"}, "no voice of the teacher 't' speaks yue; it speaks en-US, ja-JP"),
        ({"speaker": "mei"}, "the teacher 't' has no speaker 'mei' for en-US; it has ann, bob"),
        ({"emotion": "fear", "emotion_level": 1}, "no emotion 'fear'; it has neutral, joy"),
        ({"emotion": "joy", "emotion_level": 4}, "has levels 1 to 3 of 'joy', not 4"),
        ({"emotion": "joy"}, "emotion 'joy' at level 0 is a contradiction"),
        ({"emotion_level": 2}, "emotion 'neutral' at level 2 is a contradiction"),
        ({"emotion": "joy", "emotion_level": -1}, "has levels 1 to 3 of 'joy', not -1"),
        ({"speed_level": 3}, "has speed levels -1 to 2, not 3"),
        ({"speed_level": -2}, "has speed levels -1 to 2, not -2"),
        ({"style": "rap"}, "the teacher 't' has no style 'rap'; it has plain"),
    ],
)
def test_what_cannot_be_done_is_refused_with_what_can(
    asked: dict[str, object], sentence: str
) -> None:
    refused = refusal(ABLE, "t", dataclasses.replace(PLAIN, **asked))
    assert refused is not None
    assert sentence in refused


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"speaker": ""},
        {"dialect": "ja-JP", "speaker": "mei"},
        {"emotion": "joy", "emotion_level": 3, "speed_level": 2},
        {"speed_level": -1},
    ],
)
def test_what_can_be_done_is_not_refused(asked: dict[str, object]) -> None:
    assert refusal(ABLE, "t", dataclasses.replace(PLAIN, **asked)) is None
