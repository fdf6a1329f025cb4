"""Texts that no voice can say are refused, each with its sentence and its place."""

from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lauter.datasets.prompts.check import REFUSED_SCHEMA, check_texts, sift
from lauter.datasets.prompts.table import TEXT_SCHEMA


def refusal(text: str, language: str = "en") -> str | None:
    sentences = check_texts(
        pa.chunked_array([[text]]), pa.chunked_array([[language]]), max_characters=40
    )
    return sentences.to_pylist()[0]  # type: ignore[no-any-return]


def table(texts: list[tuple[str, str]], source: str = "texts.jsonl") -> pa.Table:
    rows = [
        {"text": text, "language": language, "text_source": source, "text_licence": "CC0-1.0"}
        | {"row": number}
        for number, (text, language) in enumerate(texts, start=1)
    ]
    return pa.Table.from_pylist(rows, schema=TEXT_SCHEMA)


EMPTY = "the text is empty; give it words or drop the prompt"
LONG = "the text has more than 40 characters; split it into sentences"
CONTROL = "the text has control or replacement characters; clean it at its source"
SIGNS = "the text has no letter and no digit, only punctuation; give it words"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", EMPTY),
        (" \t\n ", EMPTY),
        ("\u3000", EMPTY),
        ("word " * 9, LONG),
        ("No\x07 bell.", CONTROL),
        ("A broken \ufffd letter.", CONTROL),
        ("\ufeffA mark of order.", CONTROL),
        ("Turned \u202eround.", CONTROL),
        ("A line\x85break.", CONTROL),
        ("?!…", SIGNS),
        ("— 。、", SIGNS),
        ("🙂🙂", SIGNS),
    ],
)
@pytest.mark.parametrize("language", ["en", "zh", "ja", "ko"])
def test_a_text_without_words(text: str, sentence: str, language: str) -> None:
    assert refusal(text, language) == sentence


@pytest.mark.parametrize(
    ("text", "language", "script"),
    [
        ("今天下雨。", "en", "Latin letters"),
        ("Привет.", "en", "Latin letters"),
        ("ขอบคุณ", "en", "Latin letters"),
        ("Hello שלום", "en", "Latin letters"),
        ("Room 3, नमस्ते", "en", "Latin letters"),
        ("It rains.", "zh", "Chinese characters"),
        ("今日は雨です。", "zh", "Chinese characters"),
        ("It rains.", "ja", "kana or kanji"),
        ("비가 온다.", "ja", "kana or kanji"),
        ("雨が降る。", "ko", "Hangul"),
    ],
)
def test_a_text_in_another_script_than_its_language_says(
    text: str, language: str, script: str
) -> None:
    assert refusal(text, language) == (
        f"the text is not written in {script}, as its language '{language}' is; "
        "correct the language or the text"
    )


def test_a_text_in_a_language_that_nobody_knows() -> None:
    assert refusal("Bonjour.", "fr") == (
        "the language of the text is none of en, zh, ja, ko; correct it"
    )


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("x" * 40, "en"),
        ("A naïve café,\tor\nso: 5 km!", "en"),
        ("1984", "ja"),
        ("我用iPhone。", "zh"),
        ("東京大学", "ja"),
        ("Ｔシャツを買う。", "ja"),
        ("비가 온다.", "ko"),
    ],
)
def test_a_text_that_can_be_said(text: str, language: str) -> None:
    assert refusal(text, language) is None


def test_a_refusal_says_where_its_texts_stand() -> None:
    good, refused = sift(
        table([("Yes.", "en"), ("", "en"), ("!", "en"), ("No.", "en"), (" ", "en")]),
        max_characters=40,
    )
    assert good["row"].to_pylist() == [1, 4]
    assert refused.schema.equals(REFUSED_SCHEMA)
    assert refused.select(["text", "refusal"]).to_pylist() == [
        {"text": "", "refusal": f"{EMPTY} (texts.jsonl, rows 2 and 5)"},
        {"text": "!", "refusal": f"{SIGNS} (texts.jsonl, row 3)"},
        {"text": " ", "refusal": f"{EMPTY} (texts.jsonl, rows 2 and 5)"},
    ]


def test_of_many_refused_rows_the_first_are_named() -> None:
    _, refused = sift(table([("", "en")] * 25), max_characters=40)
    assert refused["refusal"].unique().to_pylist() == [
        f"{EMPTY} (texts.jsonl, rows 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 15 more)"
    ]


anything = st.text(max_size=45) | st.sampled_from(["A word.", "雨", "", "é?"])


@settings(deadline=None)
@given(st.lists(st.tuples(anything, st.sampled_from(["en", "zh", "ja", "ko", "xx"]))))
def test_nothing_is_lost(texts: list[tuple[str, str]]) -> None:
    asked = table(texts)
    good, refused = sift(asked, max_characters=40)
    assert good.schema.equals(TEXT_SCHEMA)
    counts = Counter(rows_of(good))
    counts.update(rows_of(refused))
    assert counts == Counter(rows_of(asked))
    assert sift(good, max_characters=40)[1].num_rows == 0


def rows_of(texts: pa.Table) -> list[tuple[str, str]]:
    return list(zip(texts["text"].to_pylist(), texts["language"].to_pylist(), strict=True))
