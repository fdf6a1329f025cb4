"""Speech that stops in the middle or goes round in circles is told from speech with mistakes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lauter.student.heard import heard_fault

ASKED = ["please", "set", "the", "kitchen", "timer", "to", "forty", "two", "minutes"]
words = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("heard", "fault"),
    [
        ("please set the kitchen timer to forty two minutes", None),
        ("please set the kitchen timer to forty two", None),
        ("please set the kitchen timer to forty you minute", None),
        ("please set the chicken time two for tea you mint", None),
        ("please set the kitchen timer to", "truncated"),
        ("please set", "truncated"),
        ("", "truncated"),
        ("please set the kitchen kitchen timer to forty two minutes", None),
        ("please set the kitchen timer the kitchen timer to forty two minutes", "repeated"),
        ("please set the the the the kitchen timer to forty two minutes", "repeated"),
    ],
)
def test_a_fault_of_the_whole_is_named(heard: str, fault: str | None) -> None:
    assert heard_fault(ASKED, heard.split()) == fault


def test_what_was_asked_to_be_repeated_is_no_fault() -> None:
    asked = ["no", "no", "no", "no", "i", "will", "not"]
    assert heard_fault(asked, asked) is None


@given(words)
def test_what_is_heard_as_it_was_asked_has_no_fault(asked: list[str]) -> None:
    assert heard_fault(asked, asked) is None
    assert heard_fault([], asked) is None


@given(st.permutations("abcdefgh"), st.integers(2, 4))
def test_a_text_said_several_times_is_repeated(asked: list[str], times: int) -> None:
    assert heard_fault(asked, asked * times) == "repeated"


@given(st.permutations("abcdefgh"), st.integers(0, 8))
def test_a_beginning_is_truncated_once_a_quarter_is_missing(asked: list[str], said: int) -> None:
    assert (heard_fault(asked, asked[:said]) == "truncated") == (said <= 6)
