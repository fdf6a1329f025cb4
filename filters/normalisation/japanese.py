"""Japanese for scoring: katakana as it is pronounced, by Open JTalk.

A reading is what kanji, kana and figures have in common: 今日は, きょうは and キョーワ are one
text, and so are 七時 and 7時. What was decided:

- Long vowels are ー however they are written (とうきょう, トーキョー; せんせい, センセー).
- Particles are read as they are spoken (は is ワ, へ is エ), ヲ is オ, ヂ and ヅ are ジ and ズ,
  ヴ is ブ.
- A ー for -er, -or or -y at the end of a loanword of four morae or more may be missing
  (コンピュータ, メモリ).
- A word with several readings has the one that Open JTalk gives it: 七 before 時 is シチ, and
  なな時 differs from it. Homophones are equal: a recogniser writes what it takes them for.
- 二十歳 is はたち, in figures too.
- What has no reading (foreign letters without a name, other scripts) stays as it is written.
"""

import re
import unicodedata
from typing import Any

_CURRENCIES = {"$": "ドル", "¥": "円", "£": "ポンド", "€": "ユーロ"}
_UNITS = {
    "km/h": "キロメートル毎時", "km": "キロメートル", "cm": "センチメートル", "mm": "ミリメートル",
    "kg": "キログラム", "mg": "ミリグラム", "ml": "ミリリットル", "°c": "度", "°": "度",
}  # fmt: skip
_VARIANTS = [
    ("ヴァ", "バ"), ("ヴィ", "ビ"), ("ヴェ", "ベ"), ("ヴォ", "ボ"), ("ヴ", "ブ"),
    ("ヂ", "ジ"), ("ヅ", "ズ"), ("ヲ", "オ"),
]  # fmt: skip

_VOWEL_ROWS = {
    "ア": "アカサタナハマヤラワガザダバパァャヮ",
    "イ": "イキシチニヒミリギジビピィ",
    "ウ": "ウクスツヌフムユルグズブプゥュ",
    "エ": "エケセテネヘメレゲゼデベペェ",
    "オ": "オコソトノホモヨロゴゾドボポォョ",
}
_LENGTHENED = {"ア": "ア", "イ": "イ", "ウ": "ウ", "エ": "エイ", "オ": "オウ"}
_LONG = re.compile(
    "|".join(f"(?<=[{row}])[{_LENGTHENED[vowel]}]" for vowel, row in _VOWEL_ROWS.items())
)
_ENDS_OPEN = re.compile(rf"[ァ-ヺー]*[{_VOWEL_ROWS['ア']}{_VOWEL_ROWS['イ']}]ー")
_SMALL = frozenset("ァィゥェォャュョヮ")
_KANA = re.compile(r"[ァ-ヺー]+")
_LOANWORD_MORAE = 4


def normalise_japanese(text: str) -> str:
    """Return the pronunciation of ``text`` in katakana, without signs or spaces."""
    import pyopenjtalk

    text = _signs_written_out(unicodedata.normalize("NFKC", text).lower())
    nodes = pyopenjtalk.run_frontend(text, use_sudachi_kanji_yomi=False)
    return _spelled_alike("".join(map(_pronounced, nodes)))


def _signs_written_out(text: str) -> str:
    """Return text in which the signs that are spoken are words."""
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    text = re.sub(
        r"(?<!\d)(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?!\d)",
        lambda match: f"{match[1]}年{int(match[2])}月{int(match[3])}日",
        text,
    )
    text = re.sub(r"(?<!\d)(\d{1,2}):([0-5]\d)(?!\d)", _clock, text)
    text = re.sub(r"([$¥£€])\s?(\d+(?:\.\d+)?[百千万億]*)", _price, text)
    text = re.sub(r"(?<=[\d一二三四五六七八九十])才(?!能)", "歳", text)
    text = re.sub(r"(?<!\d)20(?=歳)", "二十", text)
    units = "|".join(map(re.escape, _UNITS))
    return re.sub(rf"(?<=\d)\s?({units})(?![a-z])", lambda match: _UNITS[match[1]], text)


def _clock(match: re.Match[str]) -> str:
    return f"{int(match[1])}時" + (f"{int(match[2])}分" if match[2] != "00" else "")


def _price(match: re.Match[str]) -> str:
    return f"{match[2]}{_CURRENCIES[match[1]]}"


def _pronounced(node: Any) -> str:
    """Return the pronunciation of one of Open JTalk's words, or what is written of it."""
    pronounced = str(node["pron"]).replace("’", "").replace("'", "")
    written = str(node["string"])
    if not _KANA.fullmatch(pronounced):
        return "".join(c for c in unicodedata.normalize("NFKC", written).lower() if c.isalnum())
    if _ENDS_OPEN.fullmatch(written) and _ENDS_OPEN.fullmatch(pronounced):
        morae = sum(character not in _SMALL for character in pronounced)
        return pronounced[:-1] if morae >= _LOANWORD_MORAE else pronounced
    return pronounced


def _spelled_alike(kana: str) -> str:
    for variant, plain in _VARIANTS:
        kana = kana.replace(variant, plain)
    return re.sub("ー+", "ー", _LONG.sub("ー", kana))
