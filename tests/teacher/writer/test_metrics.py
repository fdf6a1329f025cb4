"""The figures of a text set against values by hand and against a plain computation."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lauter.datasets.tags import Language
from lauter.teacher.writer.metrics import distinct, measure, self_bleu, tokens

WORDS = st.lists(st.sampled_from("abcd"), min_size=1, max_size=8)


def test_distinct_n_is_the_share_of_different_n_grams() -> None:
    texts = [["a", "b", "a"], ["a", "b"]]
    assert distinct(texts, 1) == pytest.approx(2 / 5)  # a, b of a b a a b
    assert distinct(texts, 2) == pytest.approx(2 / 3)  # ab, ba of ab ba ab
    assert distinct(texts, 4) == 0.0


def test_words_are_counted_in_english_and_characters_in_chinese_and_japanese() -> None:
    assert tokens("Don't panic, Maria!", Language.ENGLISH) == ["don't", "panic", "maria"]
    assert tokens("你好，小李。", Language.CHINESE) == list("你好小李")
    assert tokens("「はい。」", Language.JAPANESE) == list("はい")


def test_self_bleu_of_one_text_said_again_and_again_is_1() -> None:
    assert self_bleu([list("abcde")] * 5) == pytest.approx(1.0)


def test_self_bleu_of_texts_without_a_common_word_is_0() -> None:
    assert self_bleu([list("abcde"), list("fghij")]) == 0.0


def test_self_bleu_by_hand() -> None:
    # abcd against abce: 3 of 4 words, 2 of 3 pairs, 1 of 2 triples, 0.1 for none of 1 quadruple.
    expected = (3 / 4 * 2 / 3 * 1 / 2 * 0.1 / 1) ** 0.25
    assert self_bleu([list("abcd"), list("abce")]) == pytest.approx(expected)
    # The shorter pays exp(1 - 4/3) for its length: 3/3 words, 2/2 pairs, 1/1 triple, 0.1 for none.
    short = math.exp(1 - 4 / 3) * 0.1**0.25
    long = (3 / 4 * 2 / 3 * 1 / 2 * 0.1) ** 0.25
    assert self_bleu([list("abc"), list("abcd")]) == pytest.approx((short + long) / 2)


@given(st.lists(WORDS, min_size=2, max_size=6))
def test_self_bleu_is_what_comparing_each_with_all_others_gives(texts: list[list[str]]) -> None:
    each = [plain_bleu(text, texts[:at] + texts[at + 1 :]) for at, text in enumerate(texts)]
    assert self_bleu(texts) == pytest.approx(sum(each) / len(each))


def plain_bleu(text: list[str], others: list[list[str]]) -> float:
    """BLEU-4 with smoothing 1, straight from its definition."""

    def grams(words: list[str], order: int) -> Counter[tuple[str, ...]]:
        return Counter(tuple(words[at : at + order]) for at in range(len(words) - order + 1))

    product = 1.0
    for order in range(1, 5):
        own = grams(text, order)
        matched = sum(
            min(count, max(grams(other, order)[gram] for other in others))
            for gram, count in own.items()
        )
        if order == 1 and not matched:
            return 0.0
        product *= (matched or 0.1) / max(1, own.total())
    nearest = min((abs(len(other) - len(text)), len(other)) for other in others)[1]
    return math.exp(min(0.0, 1 - nearest / len(text))) * product**0.25


def test_tones_and_sounds_of_mandarin_are_counted() -> None:
    found = measure(["妈麻马骂吗"], Language.CHINESE, "cmn")  # ma in all five tones
    assert found.tone_coverage == 1.0
    assert found.tonal_syllables == 5
    assert found.phone_coverage == pytest.approx(2 / 57)  # m and a, of 21 initials and 36 finals
    assert measure(["妈妈"], Language.CHINESE, "cmn").tone_coverage == pytest.approx(1 / 5)


def test_dialects_without_a_front_end_have_no_coverage() -> None:
    found = measure(["佢哋喺课室睇书。"], Language.CHINESE, "yue")
    assert found.phone_coverage is None and found.tone_coverage is None
    assert found.self_bleu is None  # of a single text


def test_more_of_english_has_more_of_its_phones() -> None:
    few = measure(["Bob, a bib."], Language.ENGLISH, "")
    many = measure(
        ["The quick brown fox jumps over the lazy dog.", "She measures joy with a vague oath."],
        Language.ENGLISH,
        "",
    )
    assert few.phone_coverage is not None and many.phone_coverage is not None
    assert few.phone_coverage < 0.15 < 0.7 < many.phone_coverage <= 1


def test_texts_that_the_front_end_cannot_read_are_counted() -> None:
    assert measure(["Good morning.", "Good ☃ morning."], Language.ENGLISH, "").unreadable == 1


def test_lengths_are_told_by_quartiles() -> None:
    found = measure(["a" * size for size in (1, 2, 3, 4, 5)], Language.ENGLISH, "").lengths
    assert (found.least, found.quarter, found.median, found.three_quarters, found.most) == (
        1, 2, 3, 4, 5,
    )  # fmt: skip
