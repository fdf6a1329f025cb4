"""Normalisation: what sounds the same is equal, and nothing else."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lauter.filters.normalisation as normalisation
from lauter.datasets.errors import UsageError
from lauter.filters.error_rate import character_error_rates
from lauter.filters.normalisation import NORMALISED_LANGUAGES, fingerprint, normalise
from lauter.filters.normalisation.chinese import in_characters
from lauter.filters.normalisation.english_numbers import numbered, spelled

TABLES = {"en": "english", "zh": "chinese", "ja": "japanese"}


def read_pairs(relation: str) -> list[tuple[str, str, str]]:
    pairs = []
    for language, name in TABLES.items():
        table = Path(normalisation.__file__).parent / "pairs" / f"{name}.tsv"
        for line in table.read_text(encoding="utf-8").splitlines():
            if line.startswith("#"):
                continue
            kind, left, right, *_ = line.split("\t")
            assert kind in ("same", "different"), line
            if kind == relation:
                pairs.append((language, left, right))
    return pairs


SAME, DIFFERENT = read_pairs("same"), read_pairs("different")


@pytest.mark.parametrize("language", TABLES)
def test_the_tables_hold_enough_of_each_kind(language: str) -> None:
    assert len({pair for pair in SAME if pair[0] == language}) >= 40
    assert len({pair for pair in DIFFERENT if pair[0] == language}) >= 20


@pytest.mark.parametrize(("language", "left", "right"), SAME)
def test_tricky_pairs_that_sound_the_same_score_zero(language: str, left: str, right: str) -> None:
    assert normalise(left, language) == normalise(right, language) != ""
    assert character_error_rates([left], [right], language)[0] == 0.0


@pytest.mark.parametrize(("language", "left", "right"), DIFFERENT)
def test_pairs_that_differ_do_not_score_zero(language: str, left: str, right: str) -> None:
    assert character_error_rates([left], [right], language)[0] > 0.0


@given(st.integers(0, 10**13))
def test_an_english_number_is_the_same_in_words_and_in_figures(value: int) -> None:
    words = " ".join(spelled(value))
    assert normalise(words, "en") == normalise(f"{value:,}", "en") == words
    assert len(numbered(words.split())) == 1 or 1010 <= value < 2100


@given(st.integers(0, 10**15))
def test_a_chinese_number_is_the_same_in_characters_and_in_figures(value: int) -> None:
    in_figures = f"{value:,}" if len(str(value)) != 11 else str(value)
    assert normalise(in_characters(value), "zh") == normalise(in_figures, "zh")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**8 - 1))
def test_a_japanese_number_with_commas_is_the_number(value: int) -> None:
    assert normalise(f"{value:,}", "ja") == normalise(str(value), "ja") != ""


@pytest.mark.parametrize("language", NORMALISED_LANGUAGES)
@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=40))
def test_any_text_has_a_form_without_outer_or_double_spaces(language: str, text: str) -> None:
    form = normalise(text, language)
    assert form == " ".join(form.split())
    assert language == "en" or " " not in form


@pytest.mark.parametrize("language", ["en", "zh"])
@settings(max_examples=200, deadline=None)
@given(text=st.text("abc'd.,$%:-/ 0123456789年点分半一二三十百千万亿零", max_size=20))
def test_a_form_of_signs_and_numbers_has_only_letters(language: str, text: str) -> None:
    form = normalise(text, language)
    assert not any(character.isdigit() for character in form if character.isascii())
    assert all(character.isalpha() or character == " " for character in form)


@pytest.mark.parametrize("language", NORMALISED_LANGUAGES)
def test_signs_alone_are_nothing(language: str) -> None:
    assert normalise("…！？ —", language) == ""


def test_a_letter_of_another_script_is_counted_not_dropped() -> None:
    assert normalise("hello мир", "en") != normalise("hello", "en")
    assert normalise("你好мир", "zh") != normalise("你好", "zh")
    assert normalise("今日は한국", "ja") != normalise("今日は", "ja")


def test_another_language_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(UsageError, match=r"'ko'.*en, zh, ja"):
        normalise("안녕", "ko")


def test_the_fingerprint_is_stable() -> None:
    assert fingerprint() == fingerprint()
    assert len(fingerprint()) == 32
