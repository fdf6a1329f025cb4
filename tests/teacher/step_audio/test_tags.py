"""Tags before a text: written in the released words, read in three languages."""

from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lauter.datasets.errors import UsageError
from lauter.datasets.layout import tag_words
from lauter.datasets.records import Prompt
from lauter.datasets.tags import MAX_LEVEL, Dialect, Emotion, Style
from lauter.teacher.step_audio.tags import (
    RELEASED_WORDS,
    Tags,
    read_tags,
    released_tags,
    untagged,
)


def prompt(text: str = "好。", dialect: str = "cmn", **columns: object) -> Prompt:
    return Prompt(text, Dialect(dialect).language, dialect, **columns)  # type: ignore[arg-type]


manners = st.builds(
    lambda emotion, level, style, speed: {
        "emotion": emotion.value,
        "emotion_level": 0 if emotion == Emotion.NEUTRAL else level,
        "style": style.value,
        "speed_level": speed,
    },
    st.sampled_from(Emotion),
    st.integers(1, MAX_LEVEL),
    st.sampled_from(Style),
    st.integers(-MAX_LEVEL, MAX_LEVEL),
)


@given(st.sampled_from(Dialect), manners)
def test_written_tags_are_read_back(dialect: Dialect, manner: dict[str, object]) -> None:
    asked = prompt(dialect=dialect.value, **manner)
    language = next(one for one in Dialect if one.language == dialect.language)
    tagged = tag_words(asdict(asked)) + asked.text
    assert untagged(prompt(tagged, language.value)) == asked
    # Columns that say the same are no contradiction.
    assert untagged(replace(asked, text=tagged)) == asked


@pytest.mark.parametrize(
    ("columns", "written"),
    [
        ({}, ""),
        ({"emotion": "joy", "emotion_level": 2}, "(高兴2)"),
        ({"emotion": "cute", "emotion_level": 1}, "(撒娇1)"),
        ({"dialect": "yue", "speed_level": -2}, "(粤语)(慢速2)"),
        ({"dialect": "en-GB"}, ""),
        ({"style": "sung"}, "(哼唱)"),
    ],
)
def test_tags_are_written_in_the_released_words(columns: dict[str, str], written: str) -> None:
    assert released_tags(prompt(**columns)) == written


@pytest.mark.parametrize(
    ("columns", "complaint"),
    [
        ({"emotion": "joy", "emotion_level": 3}, "no tag '高兴3'; it has 高兴1 高兴2"),
        ({"emotion": "sadness", "emotion_level": 2}, "no tag '悲伤2'"),
        ({"emotion": "fear", "emotion_level": 1}, "no tag 'fear1'"),
        ({"speed_level": 3}, "no tag '快速3'"),
        ({"style": "rap", "dialect": "yue"}, "without other tags"),
    ],
)
def test_what_has_no_released_word_is_refused(columns: dict[str, str], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        released_tags(prompt(**columns))


@pytest.mark.parametrize("word", RELEASED_WORDS)
def test_every_released_word_is_read(word: str) -> None:
    tags, text = read_tags(f"（{word}）好。")
    assert text == "好。"
    assert tags != Tags()


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("(高兴)好", Tags(emotion="joy", emotion_level=1)),
        ("（高興２）好", Tags(emotion="joy", emotion_level=2)),
        ("(非常生气)好", Tags(emotion="anger", emotion_level=2)),
        ("( Happy 2 ) 好", Tags(emotion="joy", emotion_level=2)),
        ("(VERY sad)好", Tags(emotion="sadness", emotion_level=2)),
        ("(scared)好", Tags(emotion="fear", emotion_level=1)),
        ("(とても嬉しい)好", Tags(emotion="joy", emotion_level=2)),
        ("（悲しい）好", Tags(emotion="sadness", emotion_level=1)),
        ("(甘え)好", Tags(emotion="cute", emotion_level=1)),
        ("(快)好", Tags(speed_level=1)),
        ("(very slow)好", Tags(speed_level=-2)),
        ("(ゆっくり)好", Tags(speed_level=-1)),
        ("(rap)好", Tags(style="rap")),
        ("(ハミング)好", Tags(style="sung")),
        ("(廣東話)好", Tags(dialect="yue")),
        ("(Cantonese) (angry) 好", Tags(dialect="yue", emotion="anger", emotion_level=1)),
        ("(四川弁)（早口2）好", Tags(dialect="sichuan", speed_level=2)),
    ],
)
def test_synonyms_and_brackets_of_three_languages_are_read(text: str, tags: Tags) -> None:
    assert read_tags(text) == (tags, "好")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "好",
        "(一)好",
        "(very RAP)好",
        "(中文2)好",
        "好(高兴1)",
        "(高兴6)好",
        "(高兴",
        "()好",
        "[快]好",
    ],
)
def test_what_is_no_tag_belongs_to_the_text(text: str) -> None:
    assert read_tags(text) == (Tags(), text)


def test_the_first_bracket_that_is_no_tag_ends_the_tags() -> None:
    assert read_tags("(快速1)(笑)(高兴1)好") == (Tags(speed_level=1), "(笑)(高兴1)好")


@given(st.text())
def test_reading_leaves_the_end_of_a_text_as_it_is(text: str) -> None:
    assert text.endswith(read_tags(text)[1])


@pytest.mark.parametrize("text", ["(高兴1)(高兴1)好", "(happy)(angry)好", "(快)(slow)好"])
def test_two_tags_for_one_thing_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="two tags for its"):
        read_tags(text)


@pytest.mark.parametrize(
    ("asked", "columns"),
    [
        (prompt("(高兴2)好。", emotion="joy", emotion_level=1), "emotion joy, emotion_level 1"),
        (prompt("(高兴2)好。", emotion="fear", emotion_level=2), "emotion fear"),
        (prompt("(慢速1)好。", speed_level=1), "speed_level 1"),
        (prompt("(RAP)好。", style="sung"), "style sung"),
        (prompt("(粤语)好。", "sichuan"), "dialect sichuan"),
        (prompt("(英文)好。", "cmn"), "dialect cmn"),
    ],
)
def test_a_tag_that_contradicts_the_columns_is_refused(asked: Prompt, columns: str) -> None:
    with pytest.raises(UsageError, match=rf"contradict its columns \({columns}"):
        untagged(asked)


@pytest.mark.parametrize(("tag", "dialect"), [("英文", "en-GB"), ("中文", "yue")])
def test_the_tag_of_a_language_is_true_of_its_dialects(tag: str, dialect: str) -> None:
    assert untagged(prompt(f"({tag})Well.", dialect)) == prompt("Well.", dialect)
