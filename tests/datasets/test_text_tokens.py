"""Text as bytes, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lauter.datasets.errors import UsageError
from lauter.datasets.text_tokens import ByteTokenizer, TextTokenizer

TOKENIZER: TextTokenizer = ByteTokenizer()


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_every_text_comes_back_from_ids_that_are_not_for_control(text: str) -> None:
    ids = TOKENIZER.encode(text)
    assert all(TOKENIZER.first_id <= one < TOKENIZER.size for one in ids)
    assert TOKENIZER.decode(ids) == text


def test_a_chinese_character_takes_three_ids() -> None:
    assert TOKENIZER.encode("a喜") == [16 + 0x61, 16 + 0xE5, 16 + 0x96, 16 + 0x9C]


def test_bytes_that_are_no_text_become_a_mark() -> None:
    assert TOKENIZER.decode([16 + 0xE5, 16 + 0x61]) == "\ufffda"


def test_half_a_character_is_named_with_its_place() -> None:
    with pytest.raises(UsageError, match="at position 1"):
        TOKENIZER.encode("a\udce5")


def test_the_fingerprint_stays_what_it_was() -> None:
    # Students carry it: were it another, no student of before could be opened.
    assert TOKENIZER.fingerprint() == "dd7f4296857d333e1d837a61e6467dd2"
