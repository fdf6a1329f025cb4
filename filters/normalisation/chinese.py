"""Mandarin for scoring: simplified characters without signs, numbers as they are read.

What was decided, because the writing does not tell what was said:

- A number is its value: 二〇二四, 两千零二十四 and 2024 are one. Four figures before 年 are read
  one by one, and so is a mobile telephone's number; everything else is read as a value.
- Two figures in characters without a unit (三四个) are a guess, *three or four*, and not 34.
- 两 is 二, and 幺 among figures is 一: recognisers write 2 and 1 for both.
- 7:30 is 七点半, 7:15 is 七点一刻; the 分 at the end of a time may be missing.
- 她 and 它 are 他, 妳 is 你: no ear tells them apart. 的, 地 and 得 stay apart: they have other
  readings besides.
- 儿 at the end is dropped from words that mean the same without it (一会儿), and kept elsewhere
  (女儿), for whether it was rolled is a matter of accent.
"""

import re
import unicodedata
from functools import cache
from typing import Any

_DIGITS = "零一二三四五六七八九"
_VALUES = {character: value for value, character in enumerate(_DIGITS)} | {"两": 2, "幺": 1}
_SCALES = {"十": 10, "百": 100, "千": 1000}
_MYRIADS = {"万": 10**4, "亿": 10**8}

_SAME_SOUND = str.maketrans("她它牠妳〇○著", "他他他你零零着")
_ERHUA = re.compile(
    "(一点|一会|有点|差点|早点|快点|慢点|晚点|一块|一下|一边|哥们|爷们|玩意|好玩|聊天|墨水|小孩|老头|"
    "那会|这会|[玩事味劲活样花鸟歌词盘瓶])儿(?![子童女歌科])"
)
_CURRENCIES = {"¥": "元", "$": "美元", "£": "英镑", "€": "欧元"}
_UNITS = {
    "km/h": "公里每小时", "km": "公里", "cm": "厘米", "mm": "毫米", "kg": "公斤", "mg": "毫克",
    "ml": "毫升", "°c": "摄氏度", "°f": "华氏度", "°": "度",
}  # fmt: skip

_FIGURES = r"\d+(?:\.\d+)?"
_NUMERAL = rf"(?:{_FIGURES}|[零一二两三四五六七八九十幺])[\d零一二两三四五六七八九十百千万亿幺]*"
_MOBILE_NUMBER = 11


def normalise_chinese(text: str) -> str:
    """Return simplified characters and lower-case Latin letters, without signs or spaces."""
    text = _simplified(unicodedata.normalize("NFKC", text)).lower().translate(_SAME_SOUND)
    text = _signs_written_out(_ERHUA.sub(r"\1", text))
    text = re.sub(rf"({_NUMERAL})点([{_DIGITS}]+)(?![{_DIGITS}十\d分钟刻])", _decimal, text)
    text = re.sub(_NUMERAL, lambda match: _arabic(match[0], match.string[match.end() :]), text)
    text = re.sub(r"(?<!\d)(\d{1,2})点(?:(半)|([13])刻|(\d{1,2})分?(?!钟))", _time, text)
    text = re.sub(rf"({_FIGURES})(年?)", _read, text)
    return "".join(c for c in text.replace("两", "二") if c.isalnum())


@cache
def _converter() -> Any:
    from opencc import OpenCC

    return OpenCC("t2s")


def _simplified(text: str) -> str:
    return str(_converter().convert(text))


def _signs_written_out(text: str) -> str:
    """Return text in which the signs that are spoken are words."""
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    text = re.sub(r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)", _date, text)
    text = re.sub(r"(?<!\d)(?:\+?86[- ]?)?(1\d\d)[- ]?(\d{4})[- ]?(\d{4})(?!\d)", r"\1\2\3", text)
    text = re.sub(r"(?<!\d)(0\d{2,3})[- ]?(\d{7,8})(?!\d)", _one_by_one, text)
    text = re.sub(rf"([¥$£€])\s?({_FIGURES}[百千万亿]*)", _price, text)
    text = re.sub(rf"({_FIGURES})\s?%", r"百分之\1", text)
    text = re.sub(r"(?<![\d/])(\d+)/(\d+)(?![\d/])", r"\2分之\1", text)
    units = "|".join(map(re.escape, _UNITS))
    text = re.sub(rf"(?<=\d)\s?({units})(?![a-z])", lambda match: _UNITS[match[1]], text)
    text = text.replace("千米", "公里").replace("千克", "公斤")
    text = re.sub(r"(?<!\w)-(?=\d)|零下(?=[\d一二两三四五六七八九十])", "负", text)
    text = re.sub(r"(?<!\d)(\d{1,2}):([0-5]\d)(?::([0-5]\d))?(?!\d)", _clock, text)
    # Recognisers write times like 7.45分 too.
    text = re.sub(r"(?<![\d.])(\d|1\d|2[0-3])\.([0-5]\d)分(?!之|钟)", r"\1点\2分", text)
    return re.sub(r"(?<=\d)\s*[-~—–]+\s*(?=\d)", "到", text)


def _date(match: re.Match[str]) -> str:
    return f"{match[1]}年{int(match[2])}月{int(match[3])}日"


def _one_by_one(match: re.Match[str]) -> str:
    return " ".join(_DIGITS[int(c)] for c in match[0] if c.isdigit())


def _price(match: re.Match[str]) -> str:
    return f"{match[2]}{_CURRENCIES[match[1]]}"


def _clock(match: re.Match[str]) -> str:
    seconds = f"{match[3]}秒" if match[3] else ""
    minutes = f"{match[2]}分" if match[2] != "00" or seconds else ""
    return f"{int(match[1])}点{minutes}{seconds}"


def _decimal(match: re.Match[str]) -> str:
    return f"{_arabic(match[1], '点')}.{_in_figures(match[2])}"


def _arabic(numeral: str, rest: str) -> str:
    """Return a numeral in Arabic figures, or as it is where it is no number."""
    if not any(c in _SCALES or c in _MYRIADS for c in numeral):
        is_guess = len(numeral) == 2 and set(numeral) <= set("一二两三四五六七八九")
        return numeral if is_guess and rest[:1] != "年" else _in_figures(numeral)
    value = _value(numeral)
    return numeral if value is None else str(value)


def _in_figures(numeral: str) -> str:
    return "".join(str(_VALUES.get(c, c)) for c in numeral)


def _value(numeral: str) -> int | None:
    """Return the value of a numeral with units; None where it is no well-formed one.

    A last figure without a unit counts in the next smaller one: 一百五 is 150, 一百零五 is 105.
    """
    if "." in numeral:
        return None
    total = section = 0
    pending, unit, ceiling = "", 0, 10**4
    for character in numeral:
        if character in _SCALES:
            unit = _SCALES[character]
            figure = int(pending or (character == "十"))
            if not figure or unit >= ceiling or (figure > 9 and not numeral[0].isascii()):
                return None
            section += figure * unit
            pending, ceiling = "", unit
        elif character in _MYRIADS:
            unit = _MYRIADS[character]
            section += int(pending or "0")
            if not total + section:
                return None
            grows = total < unit or not section  # 一万亿: all before it counts in 亿
            total = (total + section) * unit if grows else total + section * unit
            section, pending, ceiling = 0, "", 10**4
        else:
            pending += str(_VALUES.get(character, character))
    if unit >= 100 and len(pending) == 1:
        return total + section + int(pending) * unit // 10
    return total + section + int(pending or "0")


def _time(match: re.Match[str]) -> str:
    hour, half, quarters, minute = match.groups()
    minutes = 30 if half else 15 * int(quarters) if quarters else int(minute)
    if int(hour) > 24 or minutes > 59:
        return match[0]
    return f"{in_characters(int(hour))}点{'零' if minutes < 10 else ''}{in_characters(minutes)}"


def _read(match: re.Match[str]) -> str:
    """Return Arabic figures as they are read aloud."""
    figures, year = match[1], match[2]
    whole, _, part = figures.partition(".")
    named_year = bool(year) and len(figures) == 4 and "1000" <= figures < "3000"
    mobile = len(figures) == _MOBILE_NUMBER and figures[0] == "1" and figures[-4:] != "0000"
    if named_year or mobile or (len(whole) > 1 and whole[0] == "0") or len(whole) > 16:
        read = "".join(_DIGITS[int(c)] for c in whole)
    else:
        read = in_characters(int(whole))
    return f"{read}{'点' if part else ''}{''.join(_DIGITS[int(c)] for c in part)}{year}"


def in_characters(value: int) -> str:
    """Return a whole number from 0 on in characters, 12 as 十二 and 2000 as 二千."""
    read = _in_characters(value)
    return read[1:] if read.startswith("一十") else read


def _in_characters(value: int) -> str:
    for character, scale in (*reversed(_MYRIADS.items()), *reversed(_SCALES.items())):
        if value >= scale:
            whole, rest = divmod(value, scale)
            gap = "零" if rest and rest < scale // 10 else ""
            return f"{_in_characters(whole)}{character}{gap}{_in_characters(rest) if rest else ''}"
    return _DIGITS[value]
