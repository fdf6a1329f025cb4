"""The closed domain: distinct sentences of words alone, the same ones each time."""

import re

import pytest

from lauter.datasets.errors import UsageError
from lauter.datasets.prompts.check import sift
from lauter.datasets.prompts.phrases import MOST, ordinal, phrase_texts, spelled
from lauter.datasets.prompts.table import TEXT_SCHEMA
from lauter.orchestration.loading import load_settings

TEXTS: list[str] = phrase_texts(4000, seed=3)["text"].to_pylist()


def test_no_sentence_comes_twice() -> None:
    assert len(set(TEXTS)) == len(TEXTS) == 4000


def test_the_same_seed_gives_the_same_and_a_greater_count_only_adds() -> None:
    assert phrase_texts(500, seed=3)["text"].to_pylist() == TEXTS[:500]
    assert phrase_texts(500, seed=4)["text"].to_pylist() != TEXTS[:500]


def test_the_first_sentences_stay_what_they_were() -> None:
    # Students are compared on held-out sentences: were these others, so would be the figures.
    assert phrase_texts(4)["text"].to_pylist() == [
        "We need ninety-nine boxes and seven books.",
        "Thursday, the thirtieth of July.",
        "Meet David on Wednesday, the twenty-ninth of October.",
        "Call Susan on Tuesday at quarter to five.",
    ]


def test_as_many_as_are_allowed_can_be_made() -> None:
    table = phrase_texts(MOST)
    assert table.schema == TEXT_SCHEMA
    assert len(set(table["text"].to_pylist())) == MOST
    assert table["row"].to_pylist()[-1] == MOST


def test_every_sentence_is_words_of_letters_and_ends() -> None:
    for text in TEXTS:
        assert re.fullmatch(r"[A-Z][a-zA-Z]*(?:-[a-z]+)?(?:,? [a-zA-Z]+(?:-[a-z]+)?)*\.", text), (
            text
        )


def test_the_domain_has_some_hundred_words() -> None:
    words = {word for text in TEXTS for word in re.findall(r"[a-z]+", text.lower())}
    assert 80 < len(words) < 150


def test_no_kind_of_sentence_is_soon_used_up() -> None:
    kinds = ("Turn", "Set", "Wake", "Call", "Meet", "The", "We need", r"\S+ \w+ cost", r"\w+day,")
    all_texts = phrase_texts(MOST)["text"].to_pylist()
    for texts in (TEXTS, all_texts):
        shares = [sum(bool(re.match(kind, text)) for text in texts) / len(texts) for kind in kinds]
        assert sum(shares) == pytest.approx(1) and min(shares) > 0.08, shares


def test_the_checks_of_texts_find_nothing() -> None:
    speakable, refused = sift(phrase_texts(MOST), max_characters=80)
    assert (speakable.num_rows, refused.num_rows) == (MOST, 0)


def test_no_sentence_names_a_day_that_no_month_has_or_a_place_twice() -> None:
    for text in TEXTS:
        assert not re.search(r"thirtieth of February|thirty-first of (April|June|Sept|Nov)", text)
        assert not re.search(r"the (\w+) to the \1", text), text


def test_numbers_and_their_places_are_spelled() -> None:
    assert [spelled(number) for number in (0, 13, 20, 21, 99)] == [
        "zero", "thirteen", "twenty", "twenty-one", "ninety-nine",
    ]  # fmt: skip
    assert [ordinal(number) for number in (1, 2, 3, 4, 5, 8, 9, 12, 13, 20, 22, 30, 31)] == [
        "first", "second", "third", "fourth", "fifth", "eighth", "ninth", "twelfth", "thirteenth",
        "twentieth", "twenty-second", "thirtieth", "thirty-first",
    ]  # fmt: skip
    assert len({spelled(number) for number in range(100)}) == 100


@pytest.mark.parametrize("count", [0, -1, MOST + 1])
def test_a_count_that_cannot_be_is_a_sentence(count: int) -> None:
    with pytest.raises(UsageError, match=f"set 1 to {MOST}"):
        phrase_texts(count)


def test_the_configuration_chooses_the_phrases() -> None:
    settings = load_settings(["prompts=phrases", "prompts.count=7", "prompts.seed=2"])
    assert settings.prompts._target_ == f"{phrase_texts.__module__}.{phrase_texts.__name__}"
    assert (settings.prompts.count, settings.prompts.seed) == (7, 2)
