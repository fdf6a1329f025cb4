"""What was asked against what was heard, piece by piece."""

from hypothesis import given
from hypothesis import strategies as st

from lauter.filters.normalisation import normalise
from lauter.orchestration.audit.alignment import aligned


def told(text: str, transcript: str | None, language: str) -> list[tuple[str, str]]:
    return [(piece.kind, piece.text) for piece in aligned(text, transcript, language)]


def test_english_is_marked_by_words() -> None:
    assert told("The red door was open today.", "the bread door open today right", "en") == [
        ("same", "the"),
        ("lost", "red"),
        ("added", "bread"),
        ("same", "door"),
        ("lost", "was"),
        ("same", "open today"),
        ("added", "right"),
    ]


def test_mandarin_is_marked_by_characters_and_japanese_in_kana() -> None:
    assert told("今天下雨。", "今天下雪", "zh") == [
        ("same", "今天下"),
        ("lost", "雨"),
        ("added", "雪"),
    ]
    assert told("犬がいる。", "犬がいた", "ja") == [
        ("same", "イヌガイ"),
        ("lost", "ル"),
        ("added", "タ"),
    ]


def test_what_was_heard_as_asked_is_one_piece_and_what_was_not_heard_is_none() -> None:
    assert told("Good morning!", "good morning", "en") == [("same", "good morning")]
    assert told("Good morning!", "", "en") == [("lost", "good morning")]
    assert told("Good morning!", None, "en") == []
    assert told("안녕하세요", "안녕", "xx") == []


words = st.lists(st.sampled_from(["one", "two", "red", "door", "open"]), max_size=6).map(" ".join)


@given(words, words)
def test_the_pieces_give_both_texts_back(asked: str, heard: str) -> None:
    pieces = aligned(asked, heard, "en")
    for text, other in ((asked, "added"), (heard, "lost")):
        back = " ".join(piece.text for piece in pieces if piece.kind != other)
        assert back == normalise(text, "en")
