"""The structured answer is found in what a model says, and what is none is named."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lauter.teacher.writer.answer import RESPONSE_FORMAT, Answer, parse_answer
from lauter.teacher.writer.faults import Fault, FaultKind

PROSE = st.text(st.characters(exclude_characters="{}", codec="utf-8"), max_size=40)


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=30), max_size=5), PROSE, PROSE)
def test_an_answer_is_found_whatever_stands_around_it(
    texts: list[str], before: str, after: str
) -> None:
    found = parse_answer(before + json.dumps({"texts": texts}, ensure_ascii=False) + after)
    assert isinstance(found, Answer) and found.texts == texts


@given(st.text(max_size=200))
def test_no_answer_at_all_breaks_it(content: str) -> None:
    assert isinstance(parse_answer(content), Answer | Fault)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("Sure, here are five sentences about food.", FaultKind.PROSE),
        ("", FaultKind.PROSE),
        ('["one", "two"]', FaultKind.PROSE),
        ('{"texts": ["cut', FaultKind.PROSE),
        ("{" * 5000, FaultKind.PROSE),
        ("I’m sorry, I can’t help with that.", FaultKind.REFUSED),
        ("很抱歉，我无法完成这个请求。", FaultKind.REFUSED),
        ("申し訳ありませんが、お手伝いできません。", FaultKind.REFUSED),
        ('{"texts": "one"}', FaultKind.WRONG_FORM),
        ('{"texts": ["one"], "comment": "nice"}', FaultKind.WRONG_FORM),
        ('{"answer": {"texts": ["one"]}}', FaultKind.WRONG_FORM),
    ],
)
def test_what_is_no_answer_is_a_fault_with_a_sentence(content: str, kind: FaultKind) -> None:
    found = parse_answer(content)
    assert isinstance(found, Fault)
    assert found.kind == kind and len(found.sentence) > 20


def test_the_schema_that_servers_are_held_to_is_closed() -> None:
    schema = RESPONSE_FORMAT["json_schema"]["schema"]
    assert schema["required"] == ["texts"]
    assert schema["additionalProperties"] is False
