"""A request's id must never change: resumed runs and old corpora stand on it."""

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from lauter.datasets.identity import canonical_json, content_id
from lauter.datasets.records import Prompt, Request

PROMPT = Prompt(
    text="Trains to Köln leave at 7:45.",
    language="en",
    dialect="en-GB",
    emotion="joy",
    emotion_level=3,
    speaker="bf_emma",
    text_source="somewhere",
    text_licence="CC0-1.0",
)


def test_the_id_of_a_prompt_is_golden() -> None:
    assert PROMPT.prompt_id == "d3a732269c549362122646ce4446b075"


def test_the_id_of_a_request_is_golden() -> None:
    request = Request(PROMPT, "studio", "00112233445566778899aabbccddeeff", 7).identified()
    assert request.request_id == "f2908c2a12416e2ee661d3af3d1bbe8e"


def test_where_a_text_came_from_does_not_change_what_it_sounds_like() -> None:
    other = Prompt("Hello.", "en", "en-US", text_source="a", text_licence="MIT")
    assert other.prompt_id == Prompt("Hello.", "en", "en-US").prompt_id


def test_composed_and_decomposed_accents_are_one_text() -> None:
    composed, decomposed = "Köln", unicodedata.normalize("NFD", "Köln")
    assert composed != decomposed
    assert content_id("d", {"text": composed}) == content_id("d", {"text": decomposed})


def test_a_combining_mark_never_joins_the_letter_of_an_escape() -> None:
    text = "one\n\u0303two"
    assert json.loads(canonical_json({"text": text, "accent": "Ko\u0308ln"}))["text"] == text


@given(st.dictionaries(st.text(), st.text() | st.integers()))
def test_the_order_of_keys_does_not_matter(content: dict[str, str | int]) -> None:
    reversed_content = dict(reversed(content.items()))
    assert canonical_json(content) == canonical_json(reversed_content)


@given(st.text(), st.integers())
def test_another_seed_is_another_request(text: str, seed: int) -> None:
    one = Request(Prompt(text, "en", "en-US"), "t", "f", seed).identified()
    two = Request(Prompt(text, "en", "en-US"), "t", "f", seed + 1).identified()
    assert one.request_id != two.request_id
