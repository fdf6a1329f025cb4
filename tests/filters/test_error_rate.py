"""Error rates: jiwer's figures, found faster, and where the mistakes are."""

from typing import Any

import jiwer
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lauter.datasets.audio import Clip
from lauter.datasets.records import Prompt, Request
from lauter.filters import error_rate
from lauter.filters.error_rate import (
    Change,
    ErrorRateScorer,
    changed_characters,
    changed_words,
    character_error_rates,
    word_error_rates,
)
from lauter.filters.protocol import Sample

NEAR = st.text("ab 今天\t\n ", max_size=12)
PAIRS = st.lists(st.tuples(NEAR | st.text(), NEAR | st.text()), max_size=8)


@settings(max_examples=400)
@given(PAIRS)
def test_character_error_rates_are_jiwers_to_the_last_digit(pairs: list[tuple[str, str]]) -> None:
    rates = character_error_rates([left for left, _ in pairs], [right for _, right in pairs])
    assert rates.dtype == np.float64
    assert rates.tolist() == [jiwer.cer(left, right) for left, right in pairs]


@settings(max_examples=400)
@given(PAIRS)
def test_word_error_rates_are_jiwers_to_the_last_digit(pairs: list[tuple[str, str]]) -> None:
    rates = word_error_rates([left for left, _ in pairs], [right for _, right in pairs])
    assert rates.tolist() == [jiwer.wer(left, right) for left, right in pairs]


def test_words_are_numbered_anew_after_many_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    references = [f"word {number}" for number in range(10)]
    hypotheses = [f"word {number + number % 2}" for number in range(10)]
    monkeypatch.setattr(error_rate, "_PAIRS_AT_ONCE", 3)
    assert word_error_rates(references, hypotheses).tolist() == [0.0, 0.5] * 5


@pytest.mark.parametrize("rates", [character_error_rates, word_error_rates])
def test_what_jiwer_refuses_is_refused(rates: Any) -> None:
    for pair in ((None, "a"), ("a", 3)):
        with pytest.raises(ValueError, match="was expected to be a string"):
            jiwer.cer(*pair)
        with pytest.raises(ValueError, match="is no string"):
            rates([pair[0]], [pair[1]])
    with pytest.raises(ValueError, match="lengths must match"):
        jiwer.cer(["a"], ["a", "b"])
    with pytest.raises(ValueError, match="1 references and 2 hypotheses make no pairs"):
        rates(["a"], ["a", "b"])


def test_languages_may_differ_from_pair_to_pair() -> None:
    references = ["205 colours", "二〇二四年", "今日は"]
    hypotheses = ["two hundred and five colors", "2024年", "きょうは"]
    assert character_error_rates(references, hypotheses, ["en", "zh", "ja"]).tolist() == [0] * 3
    assert character_error_rates(references, hypotheses).min() > 0


@settings(max_examples=200)
@given(NEAR, NEAR)
def test_changes_turn_the_reference_into_what_was_heard(reference: str, hypothesis: str) -> None:
    reference, hypothesis = reference.strip(), hypothesis.strip()
    heard = list(reference)
    for change in reversed(changed_characters(reference, hypothesis)):
        end = change.position + len(change.expected)
        assert "".join(heard[change.position : end]) == change.expected
        heard[change.position : end] = change.heard
    assert "".join(heard) == hypothesis


def test_lost_inserted_and_replaced_are_told_apart() -> None:
    assert changed_characters("去年夏天", "去夏天") == [Change("lost", 1, "年", "")]
    assert changed_characters("去公园", "去了公园") == [Change("inserted", 1, "", "了")]
    assert changed_characters("去公园", "去公院") == [Change("replaced", 2, "园", "院")]
    changes = changed_words("the cat sat on the mat", "a cat sat the mat now")
    assert list(map(str, changes)) == ["0:the>a", "3:-on", "6:+now"]


def sample(text: str, language: str, **scores: Any) -> Sample:
    request = Request(Prompt(text, language, "any"), "trial", "f", 0).identified()
    return Sample(request, Clip(b""), scores=scores)


def figures(**known: Any) -> dict[str, Any]:
    return {field.name: known.get(field.name) for field in ErrorRateScorer.fields}


def test_the_scorer_compares_text_and_transcript_in_the_form_of_the_language() -> None:
    rows = ErrorRateScorer().score(
        [
            sample("It's 7:45, Dr. Lee!", "en", transcript="it is seven forty five doctor lee"),
            sample("The cat sat.", "en", transcript="the hat sat down"),
            sample("今天天气很好。", "zh", transcript="今天氣很好"),
            sample("今日は晴れ。", "ja", transcript="きょうは晴れ"),
            sample("把盐递给我", "zh", transcript="把言帝给我"),
        ]
    )
    assert rows[0] == figures(cer=0.0, wer=0.0, mistakes="")
    assert rows[1] == figures(cer=6 / 11, wer=2 / 3, mistakes="1:cat>hat, 3:+down")
    assert rows[2] == figures(cer=1 / 6, syllable_error_rate=1 / 6, mistakes="2:-天")
    assert rows[3] == figures(cer=0.0, mistakes="")
    assert rows[4] == figures(cer=2 / 5, syllable_error_rate=0.0, mistakes="1:盐递>言帝")


def test_without_a_transcript_or_a_form_nothing_is_applicable() -> None:
    silent = sample("Hello.", "en")
    foreign = sample("안녕", "ko", transcript="안녕")
    assert ErrorRateScorer().score([silent, foreign]) == [{}, {}]
    assert ErrorRateScorer().score([]) == []


def test_a_silent_transcript_is_all_lost() -> None:
    (row,) = ErrorRateScorer().score([sample("Hello there.", "en", transcript="")])
    assert row == figures(cer=1.0, wer=1.0, mistakes="0:-hello there")


def test_the_columns_are_those_of_the_figures() -> None:
    (row,) = ErrorRateScorer().score([sample("Hi.", "en", transcript="hi")])
    assert not isinstance(row, Exception)
    assert list(row) == [field.name for field in ErrorRateScorer.fields]
    assert ErrorRateScorer().fingerprint() == ErrorRateScorer().fingerprint()
