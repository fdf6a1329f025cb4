"""The built-in sentences: enough of each kind and length, none twice, every one readable."""

import re
import unicodedata
from collections import Counter
from itertools import combinations
from typing import Any

import pytest
from rapidfuzz.distance import Levenshtein

from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id
from lauter.datasets.prompts.builtin_set import BUILTIN_SCHEMA, KINDS, LANGUAGES, builtin_texts
from lauter.datasets.prompts.check import check_texts
from lauter.datasets.tags import Dialect
from lauter.teacher.studio.frontends import open_frontend

ROWS: list[dict[str, Any]] = builtin_texts().to_pylist()
each_language = pytest.mark.parametrize("language", LANGUAGES)


def texts_in(language: str, kind: str | None = None) -> list[str]:
    return [
        row["text"] for row in ROWS if row["language"] == language and kind in (None, row["kind"])
    ]


def size(text: str, language: str) -> int:
    """Words of English; characters of Mandarin and Japanese."""
    return len(text.split()) if language == "en" else len(text)


@each_language
def test_every_language_has_as_many_of_every_kind(language: str) -> None:
    kinds = Counter(row["kind"] for row in ROWS if row["language"] == language)
    assert set(kinds) == set(KINDS)
    assert len(set(kinds.values())) == 1
    assert kinds.total() >= 210


@each_language
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_short_and_long_ones(language: str, kind: str) -> None:
    sizes = sorted(size(text, language) for text in texts_in(language, kind))
    least, most = {"en": (3, 40), "zh": (4, 60), "ja": (4, 60)}[language]
    assert least <= sizes[0] and sizes[-1] <= most
    assert sizes[-1] >= 2.5 * sizes[0] and sizes[-1] >= most / 2


@each_language
def test_the_kinds_are_what_they_say(language: str) -> None:
    assert all(re.search("[?？]$", text) for text in texts_in(language, "question"))
    assert all(re.search("[!！]$", text) for text in texts_in(language, "exclamation"))
    assert all(re.match('["“「]|.*「', text) for text in texts_in(language, "dialogue"))
    for text in texts_in(language):
        assert bool(re.search("[0-9]", text)) == (text in texts_in(language, "number"))


NUMBERS = {
    "share": r"\d%",
    "decimal": r"\d\.\d",
    "year": r"(?:19|20)\d\d",
    "price": r"[$]\d|\d[元円]",
    "time": r"\d[:点時]\d",
    "telephone": r"\d{3}-?\d{4}",
}


@each_language
@pytest.mark.parametrize("form", NUMBERS)
def test_numbers_come_in_many_forms(language: str, form: str) -> None:
    numbers = " ".join(texts_in(language, "number"))
    assert len(re.findall(NUMBERS[form], numbers)) >= 2


def test_no_telephone_number_can_be_anybodys() -> None:
    # Fictional by rule in North America (555-01xx); elsewhere no line may begin so.
    for text in (row["text"] for row in ROWS if row["kind"] == "number"):
        for number in re.findall(r"\d{11}|[\d-]{8,}", text):
            assert re.fullmatch(r"555-01\d\d|10\d{9}|010-1\d{7}|03-0\d{3}-\d{4}", number), number


@each_language
def test_names_come_in_great_variety(language: str) -> None:
    names = {
        "en": r"(?<=[a-z,] )[A-Z][a-z]{2,}",
        "zh": r"[张李王刘陈周赵黄林][^，。]|[东北南]京|[上海]海|[一-龥]{2}(?=大学|老家)",
        "ja": r"[一-龥]{2,3}(?=さん|君|様|先生|教授|夫人)|東京|大阪|[ァ-ー]{3,}",
    }[language]
    found = [re.findall(names, text) for text in texts_in(language, "name")]
    assert sum(map(bool, found)) >= 14
    assert len({name for some in found for name in some}) >= 14


@each_language
def test_no_two_sentences_are_alike(language: str) -> None:
    bare = [re.sub(r"[\W_]", "", text.casefold()) for text in texts_in(language)]
    assert len(set(bare)) == len(bare)
    alike = [
        pair for pair in combinations(bare, 2) if Levenshtein.normalized_similarity(*pair) > 0.65
    ]
    assert not alike


@each_language
def test_no_opening_is_used_as_a_pattern(language: str) -> None:
    opening = Counter(
        tuple(text.split()[:3]) if language == "en" else text[:4] for text in texts_in(language)
    )
    assert opening.most_common(1)[0][1] <= 4


def test_every_sentence_is_clean_and_in_its_script() -> None:
    texts = builtin_texts()
    refused = check_texts(texts["text"], texts["language"], max_characters=220)
    assert refused.null_count == len(texts)
    for text in texts["text"].to_pylist():
        assert text == unicodedata.normalize("NFC", text) == text.strip()
        assert "  " not in text and not re.search("[０-９Ａ-Ｚａ-ｚ]", text)
    assert all(text.isascii() for text in texts_in("en"))
    assert not re.search("[A-Za-z]", "".join(texts_in("zh") + texts_in("ja")))


def test_mandarin_is_written_in_simplified_characters() -> None:
    from opencc import OpenCC

    text = "\n".join(texts_in("zh"))
    assert OpenCC("t2s").convert(text) == text


def test_every_sentence_is_free_to_use() -> None:
    assert {(row["text_source"], row["text_licence"]) for row in ROWS} == {
        ("lauter-builtin", "CC0-1.0")
    }


def test_the_set_is_what_it_was() -> None:
    # A changed sentence is a new request in everybody's corpus: change this digest knowingly.
    content = {"texts": [[row["language"], row["kind"], row["text"]] for row in ROWS]}
    assert content_id("test", content) == "23d872b774c6af97b272422d460e2780"


def test_kinds_can_be_chosen() -> None:
    chosen = builtin_texts(kinds=["poem", "news"])
    assert chosen.schema.equals(BUILTIN_SCHEMA)
    assert set(chosen["kind"].to_pylist()) == {"poem", "news"}
    assert chosen["row"].to_pylist() == [
        row["row"] for row in ROWS if row["kind"] in ("poem", "news")
    ]
    with pytest.raises(UsageError, match="no kind 'ode'; choose from statement, question"):
        builtin_texts(kinds=["ode"])


@pytest.mark.parametrize(
    "dialect", [Dialect.EN_US, Dialect.EN_GB, Dialect.MANDARIN, Dialect.JAPANESE]
)
def test_the_studio_can_read_every_sentence(dialect: Dialect) -> None:
    read = open_frontend(dialect)
    phonemes = [read(text) for text in texts_in(dialect.language)]
    assert len(set(phonemes)) == len(phonemes) >= 210
    assert not any("❓" in said for said in phonemes)
