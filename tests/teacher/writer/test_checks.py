"""Each check refuses what it is for, with a sentence, and lets good texts pass."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lauter.datasets.prompts.builtin_set import builtin_texts
from lauter.datasets.tags import Emotion, Language
from lauter.teacher.writer.checks import faults_of, tidy
from lauter.teacher.writer.faults import Fault, FaultKind
from lauter.teacher.writer.task import LENGTHS, Lengths, Wanted

ANY = Lengths(1, 1000)


def fault(text: str, language: str, dialect: str = "", lengths: Lengths = ANY) -> Fault | None:
    wanted = Wanted(Language(language), dialect, Emotion.NEUTRAL)
    return faults_of([text], wanted, lengths)[0]


@pytest.mark.parametrize(
    ("text", "language", "dialect", "kind"),
    [
        ("", "en", "", FaultKind.EMPTY),
        ("?!…", "zh", "", FaultKind.EMPTY),
        ("今天天气真好。", "en", "", FaultKind.WRONG_LANGUAGE),
        ("Good morning, everybody.", "zh", "", FaultKind.WRONG_LANGUAGE),
        ("今天天气真好，我们去海边。", "ja", "", FaultKind.WRONG_LANGUAGE),
        ("今日は海に行きます。", "zh", "", FaultKind.WRONG_LANGUAGE),
        ("Der Hund ist nicht in der Küche.", "en", "", FaultKind.WRONG_LANGUAGE),
        ("Le chat est dans la cuisine avec nous.", "en", "", FaultKind.WRONG_LANGUAGE),
        ("我们今天去海边玩。", "zh", "yue", FaultKind.WRONG_DIALECT),
        ("我们今天去海边玩。", "zh", "sichuan", FaultKind.WRONG_DIALECT),
        ("佢哋喺课室睇书。", "zh", "cmn", FaultKind.WRONG_DIALECT),
        ("Call me at 5550142999, please.", "en", "", FaultKind.UNSAYABLE),
        ("**Good morning**, everybody.", "en", "", FaultKind.UNSAYABLE),
        ("Write to anna@example.org today.", "en", "", FaultKind.UNSAYABLE),
        ("今天好开心❤", "zh", "", FaultKind.UNSAYABLE),
        ("He said that he would kill you all.", "en", "", FaultKind.UNSAFE),
        ("我真的不想活了。", "zh", "", FaultKind.UNSAFE),
        ("もう死にたいです。", "ja", "", FaultKind.UNSAFE),
        ("As an AI, I feel no joy at all.", "en", "", FaultKind.UNSAFE),
    ],
)
def test_what_is_wrong_is_refused_by_its_kind(
    text: str, language: str, dialect: str, kind: FaultKind
) -> None:
    found = fault(text, language, dialect)
    assert found is not None and found.kind == kind
    assert found.sentence.startswith("'") and len(found.sentence) > 10


@pytest.mark.parametrize(
    ("text", "language", "dialect"),
    [
        ("我喜欢喝饮料，也喜欢吹喇叭。", "zh", "cmn"),
        ("佢哋喺课室睇书。", "zh", "yue"),
        ("你想喝啥子？", "zh", "sichuan"),
        ("It was 5°C this morning in São Paulo.", "en", ""),
        ("Sleep, little star.", "en", ""),
        ("오늘은 날씨가 좋네요.", "ko", "ko-KR"),
    ],
)
def test_what_is_right_passes(text: str, language: str, dialect: str) -> None:
    assert fault(text, language, dialect) is None


def test_the_built_in_sentences_pass_all_checks_but_those_of_telephone_numbers() -> None:
    rows = builtin_texts().to_pylist()
    for language, dialect in (("en", "en-US"), ("zh", "cmn"), ("ja", "ja-JP")):
        texts = [row["text"] for row in rows if row["language"] == language]
        wanted = Wanted(Language(language), dialect, Emotion.NEUTRAL)
        faults = zip(texts, faults_of(texts, wanted, ANY), strict=True)
        assert not [text for text, found in faults if found and not re.search(r"\d{8}", text)]


@given(st.integers(1, 80))
def test_lengths_are_kept_to_the_character(size: int) -> None:
    found = fault("a" * size, "en", lengths=LENGTHS["en"])
    if 20 <= size <= 60:
        assert found is None
    else:
        assert found is not None
        assert (found.kind == FaultKind.TOO_LONG) == (size > 60)


@given(st.text())
def test_tidy_texts_are_on_one_line_and_can_be_written(text: str) -> None:
    found = tidy(text)
    found.encode()
    assert "\n" not in found and found == found.strip() and tidy(found) == found


def test_half_a_character_is_a_fault_and_no_crash() -> None:
    found = fault(tidy("a lantern \ud83d and a kettle"), "en")
    assert found is not None and found.kind == FaultKind.UNSAYABLE
