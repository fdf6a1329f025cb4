"""English for scoring: what sounds the same is written the same.

Order matters and stands in ``normalise_english``: signs that mean words (prices, times, units)
are written out while their punctuation is there, then contractions, then punctuation goes, and
numbers are read and spelled again over whole tokens. Spelling becomes American. Readings that
the text does not decide stay as they are: *I'd* is neither *I had* nor *I would*.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path

from lauter.filters.normalisation.english_numbers import Number, numbered, spelled

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_TITLES = {
    "Dr": "doctor", "Mr": "mister", "Mrs": "missus", "Prof": "professor", "Rev": "reverend",
    "Gen": "general", "Col": "colonel", "Capt": "captain", "Lt": "lieutenant", "Sgt": "sergeant",
    "Gov": "governor", "Sen": "senator", "St": "saint", "Mt": "mount", "Messrs": "messers",
}  # fmt: skip
_ABBREVIATIONS = {
    "jr": "junior", "sr": "senior", "vs": "versus", "etc": "et cetera", "approx": "approximately",
    "dept": "department", "ave": "avenue", "blvd": "boulevard",
}  # fmt: skip
_CURRENCIES = {
    "$": ("dollar", "dollars", "cents"), "£": ("pound", "pounds", "pence"),
    "€": ("euro", "euros", "cents"), "¥": ("yen", "yen", ""),
}  # fmt: skip
_MAJOR = frozenset({"dollar", "dollars", "pound", "pounds", "euro", "euros"})
_MINOR = frozenset({"cent", "cents", "pence", "p"})
_UNITS = {
    "km/h": "kilometers per hour", "kph": "kilometers per hour", "mph": "miles per hour",
    "km": "kilometers", "cm": "centimeters", "mm": "millimeters", "kg": "kilograms",
    "mg": "milligrams", "ml": "milliliters", "lbs": "pounds", "lb": "pounds", "oz": "ounces",
    "ft": "feet", "mb": "megabytes", "gb": "gigabytes", "tb": "terabytes", "khz": "kilohertz",
    "hz": "hertz", "kw": "kilowatts", "°c": "degrees celsius", "°f": "degrees fahrenheit",
    "°": "degrees",
}  # fmt: skip
_FRACTIONS = {
    2: ("half", "halves"), 3: ("third", "thirds"), 4: ("quarter", "quarters"),
    5: ("fifth", "fifths"), 6: ("sixth", "sixths"), 8: ("eighth", "eighths"),
    10: ("tenth", "tenths"),
}  # fmt: skip
_VARIANTS = {
    "ok": "okay", "alright": "all right", "cannot": "can not", "gonna": "going to",
    "wanna": "want to", "gotta": "got to", "gimme": "give me", "lemme": "let me",
    "kinda": "kind of", "till": "til", "email": "e mail", "emails": "e mails",
    "mrs": "missus", "messrs": "messers", "goodbye": "good bye",
    "website": "web site", "websites": "web sites",
}  # fmt: skip

_FIGURES = r"\d{1,3}(?:,\d{3})+|\d+"
_SCALE = r"hundred|thousand|million|billion|trillion"
_PERSON = r"it|he|she|that|this|there|here|who|what|where|when|how|why|everything"


def normalise_english(text: str) -> str:
    """Return lower-case words with single spaces between them."""
    text = _plain(text)
    for pattern, replacement in _CASED:
        text = pattern.sub(replacement, text)
    text = text.lower()
    for pattern, replacement in (*_SIGNS, *_CONTRACTIONS):
        text = pattern.sub(replacement, text)
    text = re.sub(r"[^a-z0-9\s]", _separator, text)
    text = re.sub(r"(?<=[a-z])(?=\d)|(?<=\d)(?=(?!(?:st|nd|rd|th)\b)[a-z])", " ", text)
    tokens = [part for token in text.split() for part in _VARIANTS.get(token, token).split()]
    return " ".join(_words(_dated(_priced(numbered(tokens)))))


def _plain(text: str) -> str:
    """Return text in ASCII where it has a plain form: widths, accents, quotes, dashes."""
    text = re.sub(r"[¼-¾⅐-⅞]", _vulgar, text)
    text = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    text = "".join(c for c in text if not unicodedata.combining(c))
    return text.translate(_QUOTES)


_QUOTES = str.maketrans(
    {"‘": "'", "’": "'", "ʼ": "'", "`": "'", "′": "'", "‐": "-", "‑": "-", "‒": "-", "–": "-",
     "—": " ", "―": " ", "−": "-", "⁄": "/", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l"}
)  # fmt: skip


def _vulgar(match: re.Match[str]) -> str:
    fraction = unicodedata.normalize("NFKC", match[0]).replace("⁄", "/")
    before = match.string[: match.start()].rstrip()
    return f" and {fraction}" if before[-1:].isdigit() else fraction


def _separator(match: re.Match[str]) -> str:
    """Letters of other scripts stay, each a word, so that they are counted; signs go."""
    return f" {match[0]} " if match[0].isalpha() else " "


def _joined(match: re.Match[str]) -> str:
    return re.sub(r"[.\s]", "", match[0])


def _initials(match: re.Match[str]) -> str:
    letters = re.sub(r"[.\s]", "", match[0])
    return letters if len(letters) > 2 or not set(letters) & {"A", "I"} else match[0]


_Replacement = str | Callable[[re.Match[str]], str]

_CASED: list[tuple[re.Pattern[str], _Replacement]] = [
    (re.compile(r"\bPh\.\s?D\b\.?"), "PhD"),
    (re.compile(rf"\b({'|'.join(_TITLES)})\.?(?=\s[A-Z])"), lambda m: _TITLES[m[1]]),
    (re.compile(r"(?<=[a-z]\s)St\b\.?(?!\s[A-Z])"), "street"),
    (re.compile(r"(?<=[a-z]\s)Rd\b\.?"), "road"),
    (re.compile(r"\b(?:[A-Za-z]\.){2,}|\b[A-Za-z](?:\.[A-Za-z])+\b"), _joined),
    (re.compile(r"\b[A-Z]\b\.?(?:\s[A-Z]\b\.?)+(?!')"), _initials),
]


def _time(match: re.Match[str]) -> str:
    hour, minute, meridiem = int(match["hour"]), match["minute"], match["meridiem"]
    half = f" {meridiem[0]}m " if meridiem else ""
    if minute == "00":
        return f" {hour} {half or 'oclock '}"
    return f" {hour} {'0 ' if minute[0] == '0' else ''}{int(minute)} {half}"


def _price(match: re.Match[str]) -> str:
    one, many, minor = _CURRENCIES[match["sign"]]
    whole, part, scale = match["whole"].replace(",", ""), match["part"], match["scale"]
    if scale:
        return f" {whole}{f'.{part}' if part else ''} {scale} {many} "
    if part and len(part) == 2 and minor:
        if int(whole) == 0:
            return f" {int(part)} {minor} "
        cents = f"{int(part)} " if int(part) else ""
        return f" {whole} {one if whole == '1' else many} {cents}"
    return f" {_grouped(whole)}{f'.{part}' if part else ''} {one if whole == '1' else many} "


def _grouped(figures: str) -> str:
    """Return figures that are certainly one number, so that no length makes them a telephone's."""
    value = figures.replace(",", "")
    return " ".join(spelled(int(value))) if 7 <= len(value) <= 15 else value


def _range(match: re.Match[str]) -> str:
    low, high = match[1], match[2]
    return f"{low} to {high}" if int(low) < int(high) else f"{low} {high}"


def _fraction(match: re.Match[str]) -> str:
    above, below = int(match[1]), int(match[2])
    if below not in _FRACTIONS or above >= below:
        return f"{match[1]} {match[2]}"
    return f" {above} {_FRACTIONS[below][above > 1]} "


def _unit(match: re.Match[str]) -> str:
    name = _UNITS[match["unit"]]
    if match["number"] == "1":
        name = name.replace("feet", "foot").replace("s", "", 1) if name != "hertz" else name
    return f"{match['number']} {name} "


def _decade(match: re.Match[str]) -> str:
    century, tens = match["century"] or "", match["tens"]
    if tens == "00":
        return f"{century} hundreds " if century != "20" else "2 thousands "
    last = spelled(int(tens))[-1]
    return f"{century} {last.removesuffix('y')}ies "


def _iso_date(match: re.Match[str]) -> str:
    return f" {_MONTHS[int(match[2]) - 1]} {int(match[3])} {match[1]} "


def _spaced(match: re.Match[str]) -> str:
    return f" {' '.join(re.sub(r'[^0-9]', '', match[0]))} "


_SIGNS: list[tuple[re.Pattern[str], _Replacement]] = [
    (re.compile(r"\b(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])\b"), _iso_date),
    (re.compile(
        r"(?<![\d.,-])(?:\+\d{1,3}[ -]?)?(?:\(\d{2,5}\)[ -]?|\d{2,5}[ .-])"
        r"\d{3,4}[ .-]\d{3,4}(?![\d,-])"
        r"|(?<![\d-])\d{3}-\d{4}(?![\d-])"
    ), _spaced),
    (re.compile(
        r"\b(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?!\d)(?:\s*(?P<meridiem>am|pm)\b)?"
        ), _time),
    (re.compile(
        r"\b(?P<hour>0?[1-9]|1[0-2])\.(?P<minute>[0-5]\d)\s*(?P<meridiem>am|pm)\b"
        ), _time),
    # Recognisers write times with a point as well; after "at" it is one, unless it has a unit.
    (re.compile(
        r"(?<=\bat\s)(?P<hour>\d|1\d|2[0-3])\.(?P<minute>[0-5]\d)(?![\d.]|\s?(?:%|°|per|point|"
        rf"degrees|{_SCALE}))(?P<meridiem>(?!))?"
        ), _time),
    (re.compile(r"\b(\d+):(\d)\b"), r"\1 to \2"),
    (re.compile(
        rf"(?:\bus)?(?P<sign>[$£€¥])\s?(?P<whole>{_FIGURES})(?:\.(?P<part>\d+))?"
        rf"(?:\s?(?P<scale>{_SCALE})\b)?"
    ), _price),
    (re.compile(r"\b(\d+)\s?(?:¢|c\b)"), r"\1 cents"),
    (re.compile(r"\b(\d+)p\b"), r"\1 pence"),
    (re.compile(r"\b(?P<century>1[1-9]|20)?(?P<tens>\d0)'?s\b"), _decade),
    (re.compile(r"\b(\d+)/(\d+)\b"), _fraction),
    (re.compile(r"(?<![\w.-])(\d{1,4})\s?-\s?(\d{1,4})(?![\w-]|\.\d)"), _range),
    (re.compile(r"(?<!\d),(?=\d)|,(?!\d{3}(?!\d))"), " "),
    (re.compile(r"\d{1,3}(?:,\d{3})+"), lambda m: _grouped(m[0])),
    (re.compile(r"(?<=\d)\.(?=\d+\.\d)"), " point "),
    (re.compile(r"(\d*)\.(\d+)"), lambda m: f"{m[1]} point {' '.join(m[2])} "),
    (re.compile(rf"(?P<number>\d+)\s?(?P<unit>{'|'.join(map(re.escape, _UNITS))})(?![a-z])"),
     _unit),
    (re.compile(r"\s?%"), " percent "),
    (re.compile(r"\bper cent\b"), "percent"),
    (re.compile(r"(?<![\w-])-(?=\d)"), " minus "),
    (re.compile(r"\bno\.\s?(?=\d)|#\s?(?=\d)"), " number "),
    (re.compile(r"&"), " and "),
    (re.compile(r"\+"), " plus "),
    (re.compile(r"="), " equals "),
    (re.compile(r"@"), " at "),
    (re.compile(rf"\b({'|'.join(_ABBREVIATIONS)})\b\.?"), lambda m: _ABBREVIATIONS[m[1]]),
    (re.compile(r"\ba half\b"), "one half"),
    (re.compile(r"(?<=\d)\s?([ap])\.?\s?m\b\.?"), r" \1m"),
    (re.compile(rf"\b({'|'.join((*spelled(0), *map(' '.join, map(spelled, range(1, 13)))))}"
                r"|thirty|fifteen|oclock)\s([ap])\s?m\b"), r"\1 \2m"),
]  # fmt: skip

_CONTRACTIONS: list[tuple[re.Pattern[str], _Replacement]] = [
    (re.compile(r"\bo'\s?clock\b"), "oclock"),
    (re.compile(r"\bwon't\b"), "will not"),
    (re.compile(r"\bcan't\b"), "can not"),
    (re.compile(r"\bshan't\b"), "shall not"),
    (re.compile(r"\bain't\b"), "aint"),
    (re.compile(r"n't\b"), " not"),
    (re.compile(r"\b(do|does|did|is|was|are|were|could|would|should|has|have|had)nt\b"), r"\1 not"),
    (re.compile(r"\bi'm\b"), "i am"),
    (re.compile(r"\blet's\b"), "let us"),
    (re.compile(r"\by'all\b"), "you all"),
    (re.compile(r"'(re|ve|ll)\b"), lambda m: {"re": " are", "ve": " have", "ll": " will"}[m[1]]),
    (re.compile(rf"\b({_PERSON})'s(?=\s(?:been|got|had|become)\b)"), r"\1 has"),
    (re.compile(rf"\b({_PERSON})'s\b"), r"\1 is"),
    (re.compile(r"'d\b"), " d"),
    (re.compile(r"'cause\b"), "because"),
    (re.compile(r"(?<!\w)'em\b"), "them"),
    (re.compile(r"\s'?n'\s"), " and "),
    (re.compile(r"(?<=[a-z])'(?=[a-z])|(?<=s)'(?=\s|$)"), ""),
]


def _priced(items: Sequence[str | Number]) -> list[str | Number]:
    """Return *nine dollars and ninety nine cents* as *nine dollars ninety nine*."""
    kept: list[str | Number] = []
    position = 0
    while position < len(items):
        kept.append(items[position])
        position += 1
        if items[position - 1] in _MAJOR and len(kept) > 1 and isinstance(kept[-2], Number):
            joined = items[position : position + 1] == ["and"]
            minor = items[position + joined : position + joined + 2]
            # Five dollars and ten men: a number that names no cents is another thing's.
            if len(minor) == 2 and isinstance(minor[0], Number) and minor[1] in _MINOR:
                kept.append(minor[0])
                position += joined + 2
    return kept


def _dated(items: Sequence[str | Number]) -> list[str | Number]:
    """Return days of months as ordinals: *March 3*, *March the third* as *March third*."""
    kept: list[str | Number] = []
    for position, item in enumerate(items):
        before = kept[-1] if kept else None
        after = items[position + 1] if position + 1 < len(items) else None
        if (item == "the" and before in _MONTHS and _is_ordinal(after)) or (
            item == "of" and _is_ordinal(before) and after in _MONTHS
        ):
            continue
        day = item
        if isinstance(item, Number) and before in _MONTHS and _is_day(item, before):
            day = Number(item.value, ordinal=True)
        elif item in _MONTHS and isinstance(before, Number) and _is_day(before, item):
            kept[-1] = Number(before.value, ordinal=True)
            if len(kept) > 1 and kept[-2] == "the":
                del kept[-2]
        kept.append(day)
    return kept


def _is_day(number: Number, month: str | Number | None) -> bool:
    """Say whether a number beside a month is its day; *may* and *march* are also verbs."""
    sure = number.ordinal or number.digits or month not in ("may", "march")
    return sure and 1 <= number.value <= 31


def _is_ordinal(item: str | Number | None) -> bool:
    return isinstance(item, Number) and item.ordinal


def _words(items: Sequence[str | Number]) -> Iterator[str]:
    for item in items:
        if isinstance(item, Number):
            yield from item.words()
        else:
            yield american(item)


@lru_cache(maxsize=65536)
def american(word: str) -> str:
    """Return a word in American spelling."""
    words, endings = _spellings()
    if word in words:
        return words[word]
    for pattern, ending in endings:
        if match := pattern.fullmatch(word):
            return f"{match[1]}{ending}{match[2]}"
    return word


@cache
def _spellings() -> tuple[dict[str, str], list[tuple[re.Pattern[str], str]]]:
    """Return whole words, and patterns of a stem, an ending to replace, and what follows it."""
    words: dict[str, str] = {}
    endings = []
    lines = (Path(__file__).parent / "spellings.tsv").read_text(encoding="utf-8").splitlines()
    for british, american_, *rest in (line.split("\t") for line in lines if line[:1] != "#"):
        if rest:
            follows, stems = rest
            stem = "|".join(stems.split())
            endings.append((re.compile(f"({stem}){british}({follows})"), american_))
        elif british.endswith("-"):
            endings.append((re.compile(f"(){british[:-1]}(.*)"), american_[:-1]))
        else:
            words |= {british: american_, f"{british}s": f"{american_}s"}
    return words, endings
