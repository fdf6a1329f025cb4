"""Words of Japanese by Open JTalk, and the forms of its verbs: stems, past, negative, volitional.

Lemma and class decide a form; what no rule knows has none.
"""

import functools
from dataclasses import dataclass
from typing import Final

_ROWS: Final = {
    "う": "いわお", "く": "きかこ", "ぐ": "ぎがご", "す": "しさそ", "つ": "ちたと", "ぬ": "になの",
    "ぶ": "びばぼ", "む": "みまも", "る": "りらろ",
}  # fmt: skip
"""Of godan verbs the vowels before masu, nai and u."""
_PAST: Final = {
    "う": "った", "つ": "った", "る": "った", "む": "んだ", "ぶ": "んだ", "ぬ": "んだ",
    "く": "いた", "ぐ": "いだ", "す": "した",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Word:
    """A word: as written, its part of speech, class, lemma."""

    written: str
    kind: str
    finer: str
    conjugation: str
    lemma: str


@functools.lru_cache(maxsize=8192)
def words_of(text: str) -> tuple[Word, ...]:
    """Return the words of a text."""
    import pyopenjtalk

    return tuple(
        Word(node["string"], node["pos"], node["pos_group1"], node["ctype"], node["orig"])
        for node in pyopenjtalk.run_frontend(text, use_sudachi_kanji_yomi=False)
    )


def stem_of(verb: Word) -> str | None:
    """Return what stands before masu; None for a class that no rule knows.

    Of ichidan verbs it is what is written: Open JTalk has する as the lemma of でき.
    """
    lemma, written = verb.lemma, verb.written
    if verb.conjugation.startswith("一段"):
        return written.removesuffix("る") if written == lemma else written
    if lemma == "くる":
        return "き"
    if verb.conjugation.startswith("カ変"):
        return lemma[:-1]
    if verb.conjugation.startswith("サ変"):
        return lemma.removesuffix("する") + "し" if lemma.endswith("する") else None
    if verb.conjugation.startswith("五段・ラ行特殊"):
        return lemma[:-1] + "い"
    if verb.conjugation.startswith("五段") and lemma[-1] in _ROWS:
        return lemma[:-1] + _ROWS[lemma[-1]][0]
    return None


def past(verb: Word) -> str | None:
    """Return the past of plain speech, as in 書いた."""
    if verb.conjugation.startswith(("一段", "カ変", "サ変")):
        stem = stem_of(verb)
        return None if stem is None else stem + "た"
    if verb.lemma in ("行く", "いく"):
        return verb.lemma[:-1] + "った"
    return verb.lemma[:-1] + _PAST[verb.lemma[-1]] if verb.lemma[-1] in _PAST else None


def negative(verb: Word) -> str | None:
    """Return the negative of plain speech, as in 書かない."""
    if verb.lemma == "ある":
        return "ない"
    if verb.lemma == "くる":
        return "こない"
    if verb.conjugation.startswith(("一段", "カ変", "サ変")):
        stem = stem_of(verb)
        return None if stem is None else stem + "ない"
    if verb.lemma[-1] in _ROWS:
        return verb.lemma[:-1] + _ROWS[verb.lemma[-1]][1] + "ない"
    return None


def negative_past(verb: Word) -> str | None:
    """Return the negative past of plain speech, as in 書かなかった."""
    form = negative(verb)
    return None if form is None else form.removesuffix("い") + "かった"


def volitional(verb: Word) -> str | None:
    """Return the volitional of plain speech, as in 書こう."""
    if verb.conjugation.startswith("一段"):
        stem = stem_of(verb)
        return None if stem is None else stem + "よう"
    if verb.conjugation.startswith("五段") and verb.lemma[-1] in _ROWS:
        return verb.lemma[:-1] + _ROWS[verb.lemma[-1]][2] + "う"
    return None


def dictionary_form(verb: Word) -> str | None:
    """Return the form of dictionaries, as in 書く."""
    if verb.conjugation.startswith("一段"):
        stem = stem_of(verb)
        return None if stem is None else stem + "る"
    return verb.lemma
