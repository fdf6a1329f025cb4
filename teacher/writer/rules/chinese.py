"""From Mandarin to Cantonese and Sichuanese, word by word, by our lexicons.

A lexicon maps words and whole turns of phrase; the longest wins, and jieba says where words end.
What a rule can tell stands here: 了 in Cantonese is 咗 behind a verb and 喇 at the end, 在 is 喺
before a place, 吗 is turned in a few kinds of question. A text with any word that would betray
Mandarin and that no entry covers is left out whole. Word order is not changed: sentences with 把,
or that compare with 比, are left out of Cantonese. What comes of it is colloquial and plain; it has
none of the wit of a speaker, and a Sichuanese text that shares all its words with Mandarin is left
out too.
"""

import functools
import re
from collections.abc import Sequence
from typing import Any, Final

from lauter.datasets.tags import Dialect
from lauter.teacher.chinese_words import jieba_tokenizer
from lauter.teacher.writer.rules.word_tables import lexicon

_BY_RULE: Final = "*"
_BETRAYS: Final = {
    Dialect.CANTONESE: frozenset(
        "的了吗呢吧着在是不没这那他她它们什么怎哪谁很给说看吃喝睡找觉喜回来把被比让和跟还里些得地啊呀嘛家儿子才只"
        "脸脚嘴走跑站穿住丢扔洗澡玩挺别昨早晚妈爸爷奶哥姐弟"
    ),
    Dialect.SICHUANESE: frozenset("什怎哪谁没别吗呢吧很着"),
}
"""Characters of words that Mandarin has for itself: a word with one must stand in the lexicon."""
_SIGNS: Final = re.compile(r"[，。！？、：；“”…（）\s]+")
_ENDS: Final = frozenset("，。！？；…”")
_QUESTIONS: Final = (
    (re.compile(r"^([^了]*?)可以([^了]*)吗？$"), r"\1可唔可以\2呀？"),
    (re.compile(r"^([^了]*?)有([^了]*)吗？$"), r"\1有冇\2呀？"),
    (re.compile(r"^([^了]*?)会([^了]*)吗？$"), r"\1会唔会\2呀？"),
)
"""Cantonese asks by verb and no verb; only the verbs for which that is sure."""
_FREQUENCY: Final = 1_000_000
"""Of an entry in jieba's counts: more than any two words together, so that entries win."""


@functools.lru_cache(maxsize=4096)
def turned(text: str, dialect: str) -> str | None:
    """Return a Mandarin text in a dialect; None where the lexicon and rules cannot turn all of it.

    A text that stays as it is, word for word, is returned as well: whether the whole has a word of
    the dialect is for the checks to say.
    """
    spoken = Dialect(dialect)
    if spoken == Dialect.CANTONESE:
        for pattern, question in _QUESTIONS:
            text = pattern.sub(question, text)
    said = []
    words = _words(text, dialect)
    for place in range(len(words)):
        one = _one(words, place, spoken)
        if one is None:
            return None
        said.append(one)
    return "".join(said)


def _one(words: Sequence[str], place: int, dialect: Dialect) -> str | None:
    word = words[place]
    if _SIGNS.fullmatch(word):
        return word
    entry = lexicon(dialect.value).get(word)
    if entry == _BY_RULE:
        return _by_rule(words, place, dialect)
    if entry is not None:
        return entry
    # What a rule of questions has put there already is no Mandarin any more.
    if dialect == Dialect.CANTONESE and word in ("唔", "冇", "呀"):
        return word
    return None if _BETRAYS[dialect] & set(word) else word


def _by_rule(words: Sequence[str], place: int, dialect: Dialect) -> str | None:
    after = words[place + 1] if place + 1 < len(words) else "。"
    if dialect == Dialect.SICHUANESE:
        # 莫得 stands before things only; alone, as an answer, it may be either.
        if words[place] != "没有" or after[0] in _ENDS:
            return None
        return "莫得" if _tag(after, dialect).startswith("n") else "没"
    match words[place]:
        case "了" if place == 0:
            return None
        case "了":
            return "喇" if after[0] in _ENDS else "咗"
        case "在":
            return None if _tag(after, dialect).startswith("v") or after[0] in _ENDS else "喺"
        case _:
            return None


def _tag(word: str, dialect: Dialect) -> str:
    """Return jieba's part of speech."""
    (tagged, *_) = _tagger(dialect).lcut(word)
    return str(tagged.flag)


@functools.cache
def _tagger(dialect: Dialect) -> Any:
    from jieba.posseg import POSTokenizer

    return POSTokenizer(_tokenizer(dialect.value))


def _words(text: str, dialect: str) -> list[str]:
    return list(_tokenizer(dialect).lcut(text, HMM=False))


@functools.cache
def _tokenizer(dialect: str) -> Any:
    """Return a tokenizer that knows the lexicon's entries."""
    tokenizer = jieba_tokenizer()
    for word in lexicon(dialect):
        if len(word) > 1:
            tokenizer.add_word(word, freq=_FREQUENCY)
    return tokenizer
