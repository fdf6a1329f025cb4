"""Text as byte pairs that were learnt, and back."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from lauter.datasets.errors import UsageError
from lauter.datasets.pair_tokenizer import PairTokenizer
from lauter.datasets.text_tokens import ByteTokenizer, TextTokenizer

TEXTS = [
    *("Call Anna on Monday.", "Call Peter on Sunday.", "Turn on the light.") * 20,
    "我们今天去公园。",
]
TOKENIZER = PairTokenizer.learnt(TEXTS, 400)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_every_text_comes_back_from_ids_that_are_not_for_control(text: str) -> None:
    reader: TextTokenizer = TOKENIZER
    ids = reader.encode(text)
    assert all(reader.first_id <= one < reader.size for one in ids)
    assert reader.decode(ids) == text


def test_a_word_that_comes_often_is_one_id() -> None:
    assert len(TOKENIZER.encode("Call Peter on Monday.")) == 5
    assert len(ByteTokenizer().encode("Call Peter on Monday.")) == 21


def test_turns_begin_with_the_ids_of_every_tokenizer() -> None:
    for role in ("system\n", "human\n", "assistant\n"):
        assert TOKENIZER.encode(role) == ByteTokenizer().encode(role)
    assert TOKENIZER.decode([9, *TOKENIZER.encode("Call Anna")]) == "human\nCall Anna"


def test_words_for_control_in_a_text_are_text() -> None:
    assert min(TOKENIZER.encode("<control 3>")) >= TOKENIZER.first_id


def test_the_same_texts_in_any_order_give_the_same_tokenizer() -> None:
    shuffled = random.Random(1).sample(TEXTS, len(TEXTS))
    assert PairTokenizer.learnt(shuffled, 400).to_json() == TOKENIZER.to_json()
    assert PairTokenizer.learnt(TEXTS[:-1], 400).fingerprint() != TOKENIZER.fingerprint()
    assert PairTokenizer.learnt(TEXTS, 280).fingerprint() != TOKENIZER.fingerprint()


def test_it_comes_back_from_its_file_which_others_read_too(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(TOKENIZER.to_json(), encoding="utf-8")
    again = PairTokenizer.read(path)
    assert again.fingerprint() == TOKENIZER.fingerprint() and again.size == TOKENIZER.size
    text = "Turn on the light, Anna."
    assert Tokenizer.from_file(str(path)).encode(text).ids == TOKENIZER.encode(text)
    units = json.loads(path.read_text(encoding="utf-8"))["model"]["vocab"]
    assert sorted(units.values()) == list(range(TOKENIZER.size))


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(UsageError, match=r"no tokenizer\.json .*; copy the student's folder again"):
        PairTokenizer.read(tmp_path / "tokenizer.json")
    with pytest.raises(UsageError, match="cannot be read"):
        PairTokenizer.read(tmp_path / "nowhere.json")


def test_fewer_ids_than_bytes_are_refused() -> None:
    with pytest.raises(UsageError, match="no room for control and the 256 bytes; set 272 or more"):
        PairTokenizer.learnt(TEXTS, 200)


def test_half_a_character_is_named_with_its_place() -> None:
    with pytest.raises(UsageError, match="at position 1"):
        TOKENIZER.encode("a\udce5")
