"""What each checkpoint can be asked for."""

import itertools

import pytest

from lauter.datasets.errors import UsageError
from lauter.datasets.lineage import parent_of
from lauter.datasets.records import Prompt
from lauter.datasets.tags import MAX_LEVEL, Dialect, Emotion, Style
from lauter.datasets.voices import Voice
from lauter.teacher.step_audio.abilities import capabilities, check_asked
from lauter.teacher.step_audio.edits import MOST_PASSES, MOST_SPEED, step_of
from lauter.teacher.step_audio.tags import released_tags

VOICES = tuple(
    Voice(f"voice of {one.value}", one.value, "unknown", "CC0-1.0", "theirs") for one in Dialect
)


def is_asked(layout: str, prompt: Prompt) -> bool:
    try:
        check_asked(layout, prompt)
    except UsageError:
        return False
    return True


def prompts() -> list[Prompt]:
    """A prompt of each dialect, emotion, level, style and speed, one manner at a time."""
    manners = [{"style": style.value} for style in Style]
    manners += [
        {"emotion": emotion.value, "emotion_level": level}
        for emotion in Emotion
        for level in range(1, MAX_LEVEL + 1)
        if emotion != Emotion.NEUTRAL
    ]
    manners += [{"speed_level": level} for level in range(-MAX_LEVEL, MAX_LEVEL + 1) if level]
    return [
        Prompt("好。", dialect.language, dialect.value, **manner)  # type: ignore[arg-type]
        for dialect, manner in itertools.product(Dialect, manners)
    ]


def test_what_tts_3b_can_be_asked_for_has_released_words_and_nothing_else_has() -> None:
    for one in prompts():
        has_words = True
        try:
            released_tags(one)
        except UsageError:
            # It raps in a dialect by its voice alone: a tag for the dialect would hide the other.
            has_words = one.style != Style.PLAIN
        assert is_asked("tts_3b", one) == has_words, one


def test_what_editx_can_be_asked_for_are_the_edits_it_was_taught() -> None:
    for one in prompts():
        if one.dialect in ("ja-JP", "ko-KR"):
            assert not is_asked("editx", one)
            continue
        if parent_of(one) is None:
            assert is_asked("editx", one)  # it clones
            continue
        try:
            step_of(one)
            levels = one.emotion_level <= MOST_PASSES and abs(one.speed_level) <= MOST_SPEED
            can = levels and one.style == Style.PLAIN
        except KeyError:
            can = False
        assert is_asked("editx", one) == can, one


@pytest.mark.parametrize(
    ("layout", "asked"),
    [
        ("tts_3b", 7 * 13),
        ("editx_clone", 5),
        ("editx", 5 * 20),
        ("aqaa", 6 * 6),
        ("continuation", 7),
    ],
)
def test_the_table_is_as_large_as_it_says(layout: str, asked: int) -> None:
    assert sum(is_asked(layout, one) for one in prompts()) == asked


def test_voices_of_dialects_that_a_checkpoint_lacks_are_left_out() -> None:
    able = capabilities("editx_clone", VOICES)
    assert able.dialects == ("cmn", "en-GB", "en-US", "sichuan", "yue")
    assert able.codes
    assert able.cloning
    assert able.sampled


def test_no_voice_at_all_is_refused() -> None:
    korean = [voice for voice in VOICES if voice.dialect == "ko-KR"]
    with pytest.raises(UsageError, match="none of the voices speaks a dialect that aqaa can"):
        capabilities("aqaa", korean)


def test_a_refusal_says_what_can_be_asked_for() -> None:
    asked = Prompt("好。", "zh", "cmn", emotion="joy", emotion_level=4)
    with pytest.raises(UsageError, match="'tts_3b' has levels 1 to 2 of 'joy', not 4"):
        check_asked("tts_3b", asked)


def test_a_student_is_not_in_the_table() -> None:
    with pytest.raises(UsageError, match="'student' can be asked for is not known"):
        capabilities("student", VOICES)
