"""Other houses' words for languages."""

import pytest

from lauter.datasets.errors import UsageError
from lauter.datasets.imports.languages import dialect_of, resolve_dialect
from lauter.datasets.tags import Dialect, Language


@pytest.mark.parametrize(
    ("tag", "language", "dialect"),
    [
        ("en", "en", None),
        ("EN_us", "en", "en-US"),
        ("en-GB", "en", "en-GB"),
        ("English", "en", None),
        ("zh", "zh", None),
        ("zh-CN", "zh", "cmn"),
        ("Cantonese", "zh", "yue"),
        (" ja ", "ja", "ja-JP"),
        ("kor", "ko", "ko-KR"),
    ],
)
def test_tags_and_names_are_understood(tag: str, language: str, dialect: str | None) -> None:
    assert dialect_of(tag) == (language, dialect)


@pytest.mark.parametrize("dialect", Dialect)
def test_our_own_words_are_understood(dialect: Dialect) -> None:
    assert dialect_of(dialect) == (dialect.language, dialect)


@pytest.mark.parametrize("language", Language)
def test_no_language_is_without_a_word(language: Language) -> None:
    assert dialect_of(language)[0] is language


def test_a_dialect_that_we_lack_is_not_taken_for_one_that_we_have() -> None:
    for tag in ("en-IN", "fr", "nan", ""):
        with pytest.raises(UsageError, match="has no place here"):
            dialect_of(tag)


def test_what_was_said_outweighs_the_default_and_a_default_fills_what_was_left_open() -> None:
    assert resolve_dialect(("", "en-GB"), ("en-US", "")) == ("en", "en-GB")
    assert resolve_dialect(("", "en"), ("en-US", "")) == ("en", "en-US")
    assert resolve_dialect(("", "ja"), ("en-US", "")) == ("ja", "ja-JP")
    with pytest.raises(UsageError, match="not which dialect"):
        resolve_dialect(("", "zh"), ("en-US", ""))
