"""Laws of near-duplicates, and the figures that their threshold rests on."""

import random
import statistics
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lauter.datasets.prompts.builtin_set import builtin_texts
from lauter.teacher.writer.near_duplicates import ALIKE, NearDuplicates, jaccard, shingles

GRAMS = st.frozensets(st.text("abc", min_size=2, max_size=2))
TEXTS = st.text(st.characters(categories=["L", "N", "P", "Z"]), min_size=1, max_size=60)
LANGUAGES = st.sampled_from(["en", "zh", "ja", "ko"])


@given(GRAMS, GRAMS)
def test_the_index_is_symmetrical_and_from_0_to_1(
    one: frozenset[str], other: frozenset[str]
) -> None:
    assert jaccard(one, other) == jaccard(other, one)
    assert 0 <= jaccard(one, other) <= 1
    assert (jaccard(one, other) == 1) == (one == other)


@given(TEXTS, LANGUAGES)
def test_a_text_is_like_itself_however_it_is_punctuated(text: str, language: str) -> None:
    duplicates = NearDuplicates()
    duplicates.add(text, language, "", "before")
    found = duplicates.like(f" ({text})!! ", language, "")
    assert found is not None
    assert (found.text, found.index, found.origin) == (text, 1.0, "before")


def test_case_and_width_do_not_count() -> None:
    assert shingles("ＰＡＰＥＲ, paper", "en") == shingles("Paper paper", "en")


@given(st.lists(TEXTS, max_size=8), TEXTS)
def test_nobody_is_accused_who_is_not_alike(texts: list[str], text: str) -> None:
    duplicates = NearDuplicates()
    for one in texts:
        duplicates.add(one, "en", "", one)
    found = duplicates.like(text, "en", "")
    if found is not None:
        assert found.index == jaccard(shingles(found.text, "en"), shingles(text, "en")) >= ALIKE


def test_dialects_are_apart_and_texts_for_any_are_compared_with_all() -> None:
    text = "我们星期天去公园玩。"
    duplicates = NearDuplicates()
    duplicates.add(text, "zh", "cmn", "before")
    assert duplicates.like(text, "zh", "sichuan") is None
    assert duplicates.like(text, "ja", "cmn") is None
    assert duplicates.like(text, "zh", "cmn") is not None
    assert duplicates.like(text, "zh", "") is not None
    duplicates.add("他晚上喜欢听音乐。", "zh", "", "before")
    assert duplicates.like("他晚上喜欢听音乐。", "zh", "sichuan") is not None


def sentences(language: str) -> list[str]:
    rows = builtin_texts().to_pylist()
    return [row["text"] for row in rows if row["language"] == language]


@pytest.mark.parametrize("language", ["en", "zh", "ja"])
def test_the_threshold_lies_between_other_sentences_and_copies(language: str) -> None:
    texts = sentences(language)
    grams = [shingles(text, language) for text in texts]
    assert max(jaccard(one, other) for one, other in combinations(grams, 2)) < 0.24
    copies = [jaccard(shingles(text, language), shingles(copy, language))
              for text, copy in zip(texts, exchanged(texts, language), strict=True)]  # fmt: skip
    first, median, _ = statistics.quantiles(copies, n=4)
    assert first >= ALIKE - 0.005
    assert 0.66 <= median <= 0.75


def exchanged(texts: list[str], language: str) -> list[str]:
    """Copies with one word in ten (or one character) exchanged for one of another text."""
    lots = random.Random(0)
    parted = [text.split() if language == "en" else list(text) for text in texts]
    pool = [word for words in parted for word in words]
    for words in parted:
        for place in lots.sample(range(len(words)), max(1, round(len(words) / 10))):
            words[place] = lots.choice(pool)
    return [(" " if language == "en" else "").join(words) for words in parted]


def test_a_copy_is_found_among_all_sentences() -> None:
    texts = sentences("en")
    duplicates = NearDuplicates()
    for text in texts:
        duplicates.add(text, "en", "", "before")
    found = duplicates.like("We carried the old piano up five flights of stairs", "en", "")
    assert found is not None
    assert found.text == "We carried the piano up five flights of stairs."
