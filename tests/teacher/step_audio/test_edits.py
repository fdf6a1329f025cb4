"""Edits that EditX was taught, and the passes of a prompt."""

import pytest

from lauter.datasets.errors import UsageError
from lauter.datasets.records import Prompt
from lauter.datasets.tags import Emotion
from lauter.teacher.step_audio.edits import (
    EDITED_EMOTIONS,
    EMOTIONS,
    MOST_PASSES,
    REMOVE,
    SOUNDS,
    SPEEDS,
    STYLES,
    Edit,
    EditKind,
    step_of,
)


def prompt(**columns: object) -> Prompt:
    return Prompt("好。", "zh", "cmn", **columns)  # type: ignore[arg-type]


def test_the_words_are_as_many_as_were_released() -> None:
    assert [len(set(words)) for words in (EMOTIONS, STYLES, SPEEDS, SOUNDS)] == [14, 32, 4, 10]


def test_a_level_is_the_same_pass_again_and_speed_comes_last() -> None:
    angry = Edit(EditKind.EMOTION, "angry")
    assert [step_of(prompt(emotion="anger", emotion_level=level)) for level in (1, 2, 3)] == [
        angry, angry, angry,
    ]  # fmt: skip
    slow = prompt(emotion="anger", emotion_level=3, speed_level=-2)
    assert step_of(slow) == Edit(EditKind.SPEED, "slower")


def test_cute_is_a_style_to_editx() -> None:
    assert step_of(prompt(emotion="cute", emotion_level=1)) == Edit(EditKind.STYLE, "act_coy")


@pytest.mark.parametrize("emotion", EDITED_EMOTIONS)
def test_every_emotion_is_an_edit_that_was_taught(emotion: Emotion) -> None:
    assert step_of(prompt(emotion=emotion.value, emotion_level=MOST_PASSES)).value


@pytest.mark.parametrize(
    ("columns", "complaint"),
    [
        ({"style": "rap"}, "makes no rap of speech"),
        ({}, "neutral speech is no edit"),
    ],
)
def test_what_editx_cannot_do_is_refused(columns: dict[str, object], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        step_of(prompt(**columns))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (EditKind.EMOTION, REMOVE),
        (EditKind.STYLE, REMOVE),
        (EditKind.SOUNDS, "Well [Sigh], it is [Laughter] late."),
        (EditKind.DENOISE, ""),
        (EditKind.TRIM, ""),
    ],
)
def test_removal_sounds_noise_and_silence_can_be_asked_for(kind: EditKind, value: str) -> None:
    assert Edit(kind, value).value == value


@pytest.mark.parametrize(
    ("kind", "value", "complaint"),
    [
        (EditKind.EMOTION, "hapy", "no emotion 'hapy'; did you mean happy"),
        (EditKind.STYLE, "wisper", "no style 'wisper'; did you mean whisper"),
        (EditKind.SPEED, REMOVE, "no speed 'remove'"),
        (EditKind.SOUNDS, "Well [sigh].", "no sound 'sigh'; did you mean Sigh"),
        (EditKind.SOUNDS, "Well.", "no sound ''; choose from Breathing"),
        (EditKind.TRIM, "all", "'trim' takes no word, not 'all'"),
    ],
)
def test_an_edit_that_was_not_taught_is_refused(kind: EditKind, value: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        Edit(kind, value)
