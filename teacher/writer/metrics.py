"""How varied a set of texts is, and what of a language's sounds it has.

Words are counted in English, characters in Chinese and Japanese, which part no words. Phones of
English and Japanese are what the studio's own front ends read, so a coverage is that of what will
be heard. Those of Mandarin are pypinyin's readings of the text as it stands, while the front end
first spells numerals out and parts words: here numerals count for nothing, and a character of
several readings may be read otherwise. For dialects without a front end coverage is not known, and
said to be so. All figures are of the texts alone: they say
nothing of whether anybody would ever say them.
"""

import math
import re
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lauter.datasets.errors import UsageError
from lauter.datasets.tags import Dialect, Language
from lauter.teacher.studio.frontends import open_frontend

_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_ORDER: Final = 4
_SMALLEST: Final = 0.1
"""In place of no match (smoothing 1 of Chen and Cherry, A Systematic Comparison of Smoothing
Techniques for Sentence-Level BLEU, 2014), as in Texygen."""

_READERS: Final = {
    (Language.ENGLISH, ""): Dialect.EN_US,
    (Language.ENGLISH, Dialect.EN_US): Dialect.EN_US,
    (Language.ENGLISH, Dialect.EN_GB): Dialect.EN_GB,
    (Language.CHINESE, ""): Dialect.MANDARIN,
    (Language.CHINESE, Dialect.MANDARIN): Dialect.MANDARIN,
    (Language.JAPANESE, ""): Dialect.JAPANESE,
    (Language.JAPANESE, Dialect.JAPANESE): Dialect.JAPANESE,
}
_ENGLISH_PHONES: Final = "bdfhjklmnpstvwzðŋɡɹʃʒʤʧθəiuæɑɔɛɜɪʊʌAIOWY"
"""24 consonants and 16 vowels of American English in misaki's letters; British has Q for O, a
for æ, and ɒ."""
_PHONES: Final[Mapping[Dialect, frozenset[str]]] = {
    Dialect.EN_US: frozenset(_ENGLISH_PHONES),
    Dialect.EN_GB: frozenset(_ENGLISH_PHONES.replace("O", "Q").replace("æ", "a") + "ɒ"),
    Dialect.JAPANESE: frozenset("aeioɯbdhjkmnpstzçŋɕɡɲɴɸɾʔʣʥʦʨβ"),
}
"""Phones that the front ends write, marks of stress, length and palatalisation apart."""
_INITIALS: Final = frozenset(
    [
        "b",
        "p",
        "m",
        "f",
        "d",
        "t",
        "n",
        "l",
        "g",
        "k",
        "h",
        "j",
        "q",
        "x",
        "zh",
        "ch",
        "sh",
        "r",
        "z",
        "c",
        "s",
    ]
)  # y and w are spellings
_FINALS: Final = frozenset(
    [
        "a",
        "o",
        "e",
        "er",
        "ai",
        "ei",
        "ao",
        "ou",
        "an",
        "en",
        "ang",
        "eng",
        "ong",
        "i",
        "ia",
        "ie",
        "iao",
        "iou",
        "ian",
        "in",
        "iang",
        "ing",
        "iong",
        "u",
        "ua",
        "uo",
        "uai",
        "uei",
        "uan",
        "uen",
        "uang",
        "ueng",
        "v",
        "ve",
        "van",
        "vn",
    ]
)
_TONES: Final = frozenset("12345")


@dataclass(frozen=True, slots=True)
class Lengths:
    """Characters of the texts: least, quartiles, most."""

    least: int
    quarter: float
    median: float
    three_quarters: float
    most: int


@dataclass(frozen=True, slots=True)
class Metrics:
    """What a set of texts amounts to; None where a figure cannot be had."""

    texts: int
    distinct_1: float
    distinct_2: float
    distinct_3: float
    self_bleu: float | None
    """0: no text has anything of another; 1: all the same. None for a single text."""
    phone_coverage: float | None
    """Of Mandarin: of its initials and finals."""
    tone_coverage: float | None
    """Of the five tones of Mandarin; None in other languages."""
    tonal_syllables: int | None
    """Different syllables of Mandarin, tones told apart."""
    unreadable: int
    """Texts that the front end cannot read."""
    lengths: Lengths


def measure(texts: Sequence[str], language: Language, dialect: str) -> Metrics:
    """Return the figures of some texts of one language and dialect; there must be one at least."""
    words = [tokens(text, language) for text in texts]
    reader = _READERS.get((language, Dialect(dialect) if dialect else ""))
    phones = tones = syllables = None
    unreadable = 0
    if reader == Dialect.MANDARIN:
        phones, tones, syllables = _mandarin(texts)
    if reader is not None:
        read = _read(texts, open_frontend(reader))
        unreadable = len(texts) - len(read)
        if reader in _PHONES:
            inventory = _PHONES[reader]
            phones = len(inventory & set("".join(read))) / len(inventory)
    return Metrics(
        len(texts),
        distinct(words, 1),
        distinct(words, 2),
        distinct(words, 3),
        self_bleu(words) if len(words) > 1 else None,
        phones,
        tones,
        syllables,
        unreadable,
        _lengths([len(text) for text in texts]),
    )


def tokens(text: str, language: Language) -> list[str]:
    """Return the words of a text, or its characters where words are not parted; no punctuation."""
    if language in (Language.CHINESE, Language.JAPANESE):
        return [character for character in text if character.isalnum()]
    return [word.casefold() for word in _WORD.findall(text)]


def distinct(texts: Sequence[Sequence[str]], order: int) -> float:
    """Return the share of n-grams that are different ones, over all texts; 0 where there are none.

    Distinct-n of Li et al., A Diversity-Promoting Objective Function for Neural Conversation
    Models, 2016. It falls with the number of texts: compare sets of the same size only.
    """
    grams = [gram for text in texts for gram in _grams(text, order)]
    return len(set(grams)) / len(grams) if grams else 0.0


def self_bleu(texts: Sequence[Sequence[str]]) -> float:
    """Return the mean BLEU-4 of each text against all others.

    Self-BLEU of Zhu et al., Texygen, 2018, smoothed as there. Of each n-gram only the two texts
    that have it most often matter, so it takes time in proportion to the texts and not to pairs.
    """
    most = [_most_by_gram(texts, order) for order in range(1, _ORDER + 1)]
    sizes = Counter(map(len, texts))
    return statistics.fmean(_bleu(at, text, most, sizes) for at, text in enumerate(texts))


_Most = dict[tuple[str, ...], tuple[int, int, int]]
"""Of an n-gram: its greatest count in a text, that text, and the greatest count in another."""


def _most_by_gram(texts: Sequence[Sequence[str]], order: int) -> _Most:
    most: _Most = {}
    for at, text in enumerate(texts):
        for gram, count in Counter(_grams(text, order)).items():
            first, owner, second = most.get(gram, (0, -1, 0))
            if count > first:
                most[gram] = count, at, first
            else:
                most[gram] = first, owner, max(second, count)
    return most


def _bleu(at: int, text: Sequence[str], most: Sequence[_Most], sizes: Counter[int]) -> float:
    logs = []
    for order, table in enumerate(most, start=1):
        counts = Counter(_grams(text, order))
        matched = 0
        for gram, count in counts.items():
            first, owner, second = table[gram]
            matched += min(count, second if owner == at else first)
        if order == 1 and not matched:
            return 0.0
        logs.append(math.log((matched or _SMALLEST) / max(1, counts.total())))
    others = sizes - Counter([len(text)])
    nearest = min(others, key=lambda size: (abs(size - len(text)), size))
    shortness = min(0.0, 1 - nearest / len(text)) if text else 0.0
    return math.exp(shortness + sum(logs) / _ORDER)


def _grams(text: Sequence[str], order: int) -> list[tuple[str, ...]]:
    return [tuple(text[at : at + order]) for at in range(len(text) - order + 1)]


def _read(texts: Sequence[str], frontend: Callable[[str], str]) -> list[str]:
    """Return the phonemes of those texts that can be read."""
    read = []
    for text in texts:
        try:
            read.append(frontend(text))
        except UsageError:
            continue
    return read


def _mandarin(texts: Sequence[str]) -> tuple[float, float, int]:
    """Return the coverage of initials and finals, that of tones, and the tonal syllables."""
    from pypinyin import Style, lazy_pinyin

    def parts(style: Style, *, neutral: bool = False) -> list[str]:
        return [
            part
            for text in texts
            for part in lazy_pinyin(text, style, errors="ignore", neutral_tone_with_five=neutral)
        ]

    initials = _INITIALS & set(parts(Style.INITIALS))
    finals = _FINALS & set(parts(Style.FINALS))
    syllables = set(parts(Style.TONE3, neutral=True))
    tones = _TONES & {syllable[-1] for syllable in syllables}
    sounds = len(_INITIALS) + len(_FINALS)
    return (len(initials) + len(finals)) / sounds, len(tones) / len(_TONES), len(syllables)


def _lengths(sizes: Sequence[int]) -> Lengths:
    # One text lies at each of its quarters.
    spread = sizes if len(sizes) > 1 else [*sizes, *sizes]
    quarter, median, three_quarters = statistics.quantiles(spread, n=4, method="inclusive")
    return Lengths(min(sizes), quarter, median, three_quarters, max(sizes))
