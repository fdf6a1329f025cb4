"""The passes of EditX that a prompt is made by."""

from lauter.datasets.records import Prompt
from lauter.teacher.step_audio.edits import Edit, EditKind, step_of


def prompt(**columns: object) -> Prompt:
    return Prompt("好。", "zh", "cmn", **columns)  # type: ignore[arg-type]


def test_a_level_is_the_same_pass_again_and_speed_comes_last() -> None:
    angry = Edit(EditKind.EMOTION, "angry")
    assert [step_of(prompt(emotion="anger", emotion_level=level)) for level in (1, 2, 3)] == [
        angry, angry, angry,
    ]  # fmt: skip
    slow = prompt(emotion="anger", emotion_level=3, speed_level=-2)
    assert step_of(slow) == Edit(EditKind.SPEED, "slower")


def test_cute_is_a_style_to_editx() -> None:
    assert step_of(prompt(emotion="cute", emotion_level=1)) == Edit(EditKind.STYLE, "act_coy")
