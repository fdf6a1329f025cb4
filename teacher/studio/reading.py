"""How a Mandarin or Japanese text is read aloud: numerals, dates, times, prices, in words.

Pure functions of text. English needs none of this: its front end reads numerals itself. For
Japanese, Open JTalk reads numerals with their counters (20日 is hatsuka), so only the forms that
it passes over in silence are written out; for Mandarin every numeral is.

The rules prefer the common reading to a rare one: ``3/4`` is a fraction, ``3:45`` a time.
"""

import re
import unicodedata
from collections.abc import Callable

import cn2an

Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]

_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_DATE = re.compile(r"(?<![0-9])([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?![0-9])")
_THOUSANDS = re.compile(r"(?<=[0-9]),(?=[0-9]{3}(?![0-9]))")
_ROMAN_NUMERAL = re.compile("[Ⅰ-Ⅻ]")
_DIGITS = "零一二三四五六七八九"


def mandarin(text: str) -> str:
    """Return ``text`` with full-width forms made plain and every numeral in Chinese characters."""
    return _applied(_MANDARIN, _plain(text))


def japanese(text: str) -> str:
    """Return ``text`` with full-width forms made plain and the signs Open JTalk skips in words."""
    return _applied(_JAPANESE, _plain(text))


def _plain(text: str) -> str:
    plain = _ROMAN_NUMERAL.sub(lambda found: str(ord(found[0]) - ord("Ⅰ") + 1), text)
    plain = unicodedata.normalize("NFKC", plain).replace("−", "-")
    plain = re.sub(r"\.{2,}|。{2,}", "…", plain)
    plain = re.sub(r"…+", "…", plain)
    plain = _THOUSANDS.sub("", plain)
    return _DATE.sub(_date, plain)


def _applied(rules: list[Rule], text: str) -> str:
    for pattern, replacement in rules:
        text = pattern.sub(replacement, text)
    return text


def _date(found: re.Match[str]) -> str:
    year, month, day = (int(part) for part in found.groups())
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return found[0]
    return f"{year}年{month}月{day}日"


def _digit_by_digit(numeral: str) -> str:
    return "".join(_DIGITS[int(digit)] for digit in numeral if digit.isdigit())


def _chinese_number(found: re.Match[str]) -> str:
    """Read a numeral as a quantity, or digit by digit where it is a code or a telephone number."""
    numeral = found[0]
    whole = numeral.split(".")[0]
    is_code = (
        (len(whole) > 1 and whole[0] == "0")
        or (len(whole) == 11 and whole[0] == "1")
        or len(whole) > 16
    )
    return _digit_by_digit(numeral) if is_code else str(cn2an.an2cn(numeral, "low"))


def _chinese_time(found: re.Match[str]) -> str:
    hour, minute, second = found.groups()
    if int(hour) > 24 or int(minute) > 59:
        return f"{hour}比{int(minute)}"
    words = f"{'两' if int(hour) == 2 else int(hour)}点"
    if int(minute):
        words += f"{'零' if int(minute) < 10 else ''}{int(minute)}分"
    return words + (f"{int(second)}秒" if second else "")


def _japanese_time(found: re.Match[str]) -> str:
    hour, minute = int(found[1]), int(found[2])
    if hour > 24 or minute > 59:
        return f"{hour}対{minute}"
    return f"{hour}時" + (f"{minute}分" if minute else "")


_CHINESE_UNITS = {
    "km/h": "公里每小时",
    "km": "公里",
    "kg": "公斤",
    "cm": "厘米",
    "mm": "毫米",
    "ml": "毫升",
    "mL": "毫升",
    "GB": "吉字节",
    "m": "米",
    "g": "克",
    "L": "升",
    "°C": "摄氏度",
    "°F": "华氏度",
    "°": "度",
}
_CHINESE_MONEY = {"¥": "元", "$": "美元", "€": "欧元", "£": "英镑"}
_CHINESE_SIGNS = {
    "+": "加",
    "=": "等于",
    "×": "乘以",
    "÷": "除以",
    "@": "艾特",
    "#": "井号",
    "&": "和",
    "〇": "零",
}
_COUNTED_WITH_LIANG = "点个位次天只张件条家名种块杯辆倍本双层间篇首门座瓶斤"

_MANDARIN: list[Rule] = [
    (re.compile(r"(?<![0-9])([0-9]{4})(?=年)"), lambda found: _digit_by_digit(found[1])),
    (
        re.compile(r"(?<![0-9])0[0-9]{2,3}-[0-9]{7,8}(?![0-9])"),
        lambda found: _digit_by_digit(found[0]),
    ),
    (re.compile(r"(?<![0-9])([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?(?![0-9])"), _chinese_time),
    (re.compile(r"(?<=[0-9]):(?=[0-9])"), "比"),
    (re.compile(rf"({_NUMBER})\s*[~\-–—]\s*(?=[0-9])"), r"\1到"),
    (re.compile(rf"({_NUMBER})\s*%"), r"百分之\1"),
    (re.compile(rf"({_NUMBER})\s*‰"), r"千分之\1"),
    (re.compile(r"(?<![0-9])([0-9]+)\s*[/⁄]\s*([0-9]+)(?![0-9])"), r"\2分之\1"),
    (
        re.compile(rf"([¥$€£])\s*({_NUMBER}[万亿]?)"),
        lambda found: found[2] + _CHINESE_MONEY[found[1]],
    ),
    (
        re.compile(rf"({_NUMBER})\s*({'|'.join(map(re.escape, _CHINESE_UNITS))})(?![A-Za-z])"),
        lambda found: found[1] + _CHINESE_UNITS[found[2]],
    ),
    (re.compile(rf"(?<![0-9.])2(?=[{_COUNTED_WITH_LIANG}]|小时|分钟|公里|公斤)"), "两"),
    (re.compile(r"(?<![\w-])-(?=[0-9])"), "负"),
    (re.compile(_NUMBER), _chinese_number),
    (re.compile(f"[{re.escape(''.join(_CHINESE_SIGNS))}]"), lambda found: _CHINESE_SIGNS[found[0]]),
]

_JAPANESE_MONEY = {"¥": "円", "$": "ドル", "€": "ユーロ", "£": "ポンド"}
_JAPANESE_SIGNS = {
    "+": "プラス",
    "=": "イコール",
    "×": "かける",
    "÷": "わる",
    "@": "アット",
    "#": "シャープ",
    "&": "アンド",
}

_JAPANESE: list[Rule] = [
    (re.compile(r"(?<![0-9])([0-9]{1,2}):([0-9]{2})(?![0-9])"), _japanese_time),
    (re.compile(r"(?<=[0-9]):(?=[0-9])"), "対"),
    (re.compile(r"(?<=[0-9時分日円])\s*[~〜]\s*(?=[0-9])"), "から"),
    (re.compile(r"(?<![0-9])([0-9]+)\s*[/⁄]\s*([0-9]+)(?![0-9])"), r"\2分の\1"),
    (
        re.compile(rf"([¥$€£])\s*({_NUMBER}[万億]?)"),
        lambda found: found[2] + _JAPANESE_MONEY[found[1]],
    ),
    (re.compile(rf"({_NUMBER})\s*°[CF]?"), r"\1度"),
    (re.compile(r"(?<![\w-])-(?=[0-9])"), "マイナス"),
    (re.compile(r"(?<=[A-Za-z])\.(?=[A-Za-z])"), "ドット"),
    (
        re.compile(f"[{re.escape(''.join(_JAPANESE_SIGNS))}]"),
        lambda found: _JAPANESE_SIGNS[found[0]],
    ),
]
