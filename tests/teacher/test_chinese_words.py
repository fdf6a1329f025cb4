"""Words are parted by jieba, wherever its dictionary can be kept."""

from pathlib import Path

import pytest

from lauter.teacher.chinese_words import jieba_tokenizer

TEXT, WORDS = "今天天气很好", ["今天天气", "很", "好"]


def test_words_are_parted_where_no_cache_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("LAUTER_CACHE", str(tmp_path / "file" / "cache"))
    assert jieba_tokenizer().lcut(TEXT) == WORDS


def test_what_is_added_to_one_tokenizer_is_unknown_to_another() -> None:
    one, other = jieba_tokenizer(), jieba_tokenizer()
    one.add_word(TEXT, freq=1_000_000)
    assert one.lcut(TEXT) == [TEXT] and other.lcut(TEXT) == WORDS
