"""A plan is a value: the same wish is the same request, and what cannot be served is refused."""

from datetime import date

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from lauter.datasets.consent import Consent, Event, Leave
from lauter.datasets.prompts.table import table_from_prompts
from lauter.datasets.records import Prompt, request_from_row
from lauter.datasets.voices import Use
from lauter.pipelines.plan import plan
from lauter.teacher.canned import CannedTeacher
from lauter.teacher.fast import FastTeacher

LETTERS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), max_size=30)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(LETTERS, st.sampled_from(["joy", "anger"]), st.integers(1, 5))))
def test_ids_on_columns_are_those_of_single_requests(wishes: list[tuple[str, str, int]]) -> None:
    prompts = [
        Prompt(f"Say {text}", "en", "en-US", emotion, level, speaker="heart")
        for text, emotion, level in wishes
    ]
    planned = plan(table_from_prompts(prompts), FastTeacher(), seed=3)
    for row in planned.requests.to_pylist():
        request = request_from_row(row)
        assert request.identified().request_id == row["request_id"]
        assert request.prompt.prompt_id == row["prompt_id"]


def refusal_of(prompt: Prompt) -> str:
    planned = plan(table_from_prompts([prompt]), FastTeacher())
    assert planned.requests.num_rows == 0
    (row,) = planned.refused.to_pylist()
    assert row["text"] == prompt.text
    return str(row["refusal"])


def test_what_is_asked_twice_is_requested_once() -> None:
    prompts = [Prompt("Hello there.", "en", "en-US", text_source=source) for source in "ab"]
    assert plan(table_from_prompts(prompts), FastTeacher()).requests.num_rows == 1


def test_a_prompt_without_a_speaker_gets_one_whatever_the_order() -> None:
    prompts = [Prompt(f"Number {n}.", "en", "en-US") for n in range(20)]
    forward = plan(table_from_prompts(prompts), CannedTeacher())
    backward = plan(table_from_prompts(prompts[::-1]), CannedTeacher())
    ids = set(forward.requests["request_id"].to_pylist())
    assert ids == set(backward.requests["request_id"].to_pylist())
    assert "" not in forward.requests["speaker"].to_pylist()


def test_bad_texts_are_refused_with_a_sentence() -> None:
    def text(words: str, language: str = "en", dialect: str = "en-US") -> str:
        return refusal_of(Prompt(words, language, dialect))

    assert "is empty" in text("   ")
    assert "more than" in text("very long " * 100)
    assert "control" in text("bell \x07 rings")
    assert "only punctuation" in text("?! …")
    assert "not written in Latin letters" in text("今日は")
    assert "not written in kana or kanji" in text("hello there", "ja", "ja-JP")


def test_what_the_teacher_has_not_is_refused_with_what_it_has() -> None:
    assert "it speaks en-US, ja-JP" in refusal_of(Prompt("你好。", "zh", "cmn"))
    assert "it has heart" in refusal_of(Prompt("Hi.", "en", "en-US", speaker="nobody"))
    assert "no emotion 'boredom'" in refusal_of(Prompt("Hi.", "en", "en-US", "boredom", 1))
    assert "levels 1 to 5" in refusal_of(Prompt("Hi.", "en", "en-US", "joy", 6))
    assert "contradiction" in refusal_of(Prompt("Hi.", "en", "en-US", "neutral", 2))
    assert "speed levels -5 to 5" in refusal_of(Prompt("Hi.", "en", "en-US", speed_level=9))
    assert "no style 'yodel'" in refusal_of(Prompt("Hi.", "en", "en-US", style="yodel"))


def test_a_plan_of_nothing_is_empty() -> None:
    assert plan(table_from_prompts([]), FastTeacher()).requests.equals(
        plan(table_from_prompts([]), FastTeacher(), seed=9).requests
    )
    assert isinstance(plan(table_from_prompts([]), FastTeacher()).refused, pa.Table)


def test_a_voice_that_may_not_be_used_is_refused_and_no_other() -> None:
    day = date(2026, 11, 22)
    said = Consent("2026-05-03T12:00:00+00:00", "heart", Event.WITHDRAWN, "A. Author")
    prompts = table_from_prompts(
        [
            Prompt("Hello there.", "en", "en-US", speaker="heart"),
            Prompt("Good night.", "en", "en-US"),
            Prompt("おはよう。", "ja", "ja-JP"),
        ]
    )
    leave = Leave(Use.RESEARCH, day, ledger=(said,))
    planned = plan(prompts, FastTeacher(), leave=leave)
    sentence = "the consent for the voice 'heart' was withdrawn by A. Author on 2026-05-03"
    assert planned.refused["refusal"].to_pylist() == [sentence, sentence]
    assert planned.requests["speaker"].to_pylist() == ["mei"]
    allowed = plan(prompts, FastTeacher(), leave=Leave(Use.COMMERCIAL, day))
    assert allowed.requests.equals(plan(prompts, FastTeacher()).requests)
