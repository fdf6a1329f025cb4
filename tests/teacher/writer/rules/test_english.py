"""Contractions made and undone, and sentences that go on behind an opening."""

import pytest

from lauter.teacher.writer.rules.english import continued, contracted, expanded


@pytest.mark.parametrize(
    ("long", "short"),
    [
        ("I am really happy!", "I'm really happy!"),
        ("Do not touch the pan.", "Don't touch the pan."),
        ("You cannot see the lake.", "You can't see the lake."),
        ("I have never been so furious!", "I've never been so furious!"),
    ],
)
def test_contractions_are_made_and_undone(long: str, short: str) -> None:
    assert contracted(long) == short
    assert expanded(short) == long


@pytest.mark.parametrize("text", ["I know who I am.", "We have to sell the house.", "That is."])
def test_what_nobody_contracts_is_let_be(text: str) -> None:
    assert contracted(text) == text


def test_what_may_be_two_things_is_not_undone() -> None:
    assert expanded("It's gone.") == "It's gone."  # it has, or it is


def test_a_sentence_goes_on_in_small_letters_only_where_no_name_begins_it() -> None:
    assert continued("The ladder was safe.") == "the ladder was safe."
    assert continued("I never said so.") == "I never said so."
    assert continued("Maria speaks Portuguese.") is None
    assert continued("Please call at nine.") is None
