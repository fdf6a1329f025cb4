"""English numbers: from tokens to one spelling each, whether they came as digits or as words.

A number is read to its value and written out again, so that ``205``, *two hundred five* and *two
hundred and five* are one text. What is said differently stays different: *one two three* is not
123. From 1010 to 2099 numbers are written in pairs (*nineteen eighty four*, *fifteen hundred*),
as years and times are said; no one can tell from ``1984`` alone whether it is a year.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_UNITS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_FROM_LARGE = [*reversed(_SCALES.items()), ("hundred", 100)]
_IRREGULAR = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
    "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip
_ZEROS = frozenset({"zero", "nought", "naught"})
_REPEATS = {"double": 2, "triple": 3}
_TOO_LONG = 7
"""So many digits without commas are a telephone number, unless they end in three zeros."""

_VALUES = (
    {word: value for value, word in enumerate(_UNITS)}
    | {word: 10 * tens for tens, word in enumerate(_TENS, 2)}
    | dict.fromkeys(_ZEROS, 0)
)


def ordinal_word(word: str) -> str:
    """Return the ordinal of a number word: *twenty* becomes *twentieth*."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    return f"{word[:-1]}ieth" if word.endswith("y") else f"{word}th"


_CARDINALS = {ordinal_word(word): word for word in (*_VALUES, "hundred", *_SCALES)}


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a text; ``digits`` tells that it was written in figures."""

    value: int
    ordinal: bool = False
    digits: bool = False

    def words(self) -> list[str]:
        """Return the number in words."""
        words = spelled(self.value)
        return [*words[:-1], ordinal_word(words[-1])] if self.ordinal else words


def spelled(value: int) -> list[str]:
    """Return a cardinal in words, without *and*, in pairs where it may be a year."""
    if 1010 <= value < 2000 or 2010 <= value < 2100:
        century, rest = divmod(value, 100)
        if rest == 0:
            return [*_spelled(century), "hundred"]
        return [*_spelled(century), *(["zero"] if rest < 10 else []), *_spelled(rest)]
    return _spelled(value)


def _spelled(value: int) -> list[str]:
    if value < 20:
        return [_UNITS[value]]
    if value < 100:
        tens, rest = divmod(value, 10)
        head = [_TENS[tens - 2]]
    else:
        word, scale = next(known for known in _FROM_LARGE if value >= known[1])
        whole, rest = divmod(value, scale)
        head = [*_spelled(whole), word]
    return [*head, *(_spelled(rest) if rest else [])]


def numbered(tokens: Sequence[str]) -> list[str | Number]:
    """Return the tokens with every number, in digits or words, as a ``Number``."""
    found: list[str | Number] = []
    position = 0
    while position < len(tokens):
        token = tokens[position]
        if token[:1].isdigit():
            numbers, position = _figures(tokens, position)
            found.extend(numbers)
        elif (read := _Reader(tokens, position)).number is not None:
            found.append(read.number)
            position = read.end
        else:
            found.append(token)
            position += 1
    return list(_zeros(found))


def _figures(tokens: Sequence[str], position: int) -> tuple[list[Number], int]:
    """Return what a token of figures says, and the position after it."""
    token = tokens[position]
    figures = token.rstrip("abcdefghijklmnopqrstuvwxyz")
    if figures != token:
        return [Number(int(figures), ordinal=True, digits=True)], position + 1
    one_by_one = len(token) > 1 and token[0] == "0"
    one_by_one |= len(token) >= _TOO_LONG and not token.endswith("000")
    if one_by_one or len(token) > 15:
        return [Number(int(figure), digits=True) for figure in token], position + 1
    value = int(token)
    position += 1
    while position < len(tokens) and value and (scale := _scale(tokens[position])) > value:
        value, position = value * scale, position + 1
    return [Number(value, digits=True)], position


def _scale(word: str) -> int:
    return 100 if word == "hundred" else _SCALES.get(word, 0)


class _Reader:
    """Reads one number in words from ``start``; ``number`` is None where there is none."""

    def __init__(self, tokens: Sequence[str], start: int) -> None:
        self._tokens = tokens
        self.end = start
        self._total = 0
        self._current = 0
        self._ceiling = 10**15
        self._last = ""
        self._ordinal = False
        if tokens[start] == "a" and _scale(self._token(start + 1)):
            self._current, self._last, self.end = 1, "unit", start + 1
        while not self._ordinal and self._step():
            pass
        self.number = (
            Number(self._total + self._current, self._ordinal) if self.end > start else None
        )

    def _token(self, position: int) -> str:
        return self._tokens[position] if position < len(self._tokens) else ""

    def _step(self) -> bool:
        """Take one more word of the number, if there is one."""
        word = self._token(self.end)
        taken = 1
        if word == "and" and self._last in ("hundred", "scale"):
            word, taken = self._token(self.end + 1), 2
            if _CARDINALS.get(word, word) not in _VALUES:
                return False
        cardinal = _CARDINALS.get(word, word)
        if not self._take(cardinal):
            return False
        self._ordinal = cardinal != word
        self.end += taken
        return True

    def _take(self, word: str) -> bool:
        value, scale = _VALUES.get(word), _SCALES.get(word, 0)
        if value is not None:
            kind = "tens" if value >= 20 else "unit" if 0 < value < 10 else "teen"
            after = ("", "hundred", "scale", "tens") if kind == "unit" else ("", "hundred", "scale")
            if self._last not in after or (value == 0 and self._last):
                return False
            self._current += value
            self._last = kind
        elif word == "hundred" and self._last in ("unit", "teen", "tens") and self._current < 100:
            if self._current == 0:
                return False
            self._current *= 100
            self._last = "hundred"
        elif scale and self._last in ("unit", "teen", "tens", "hundred") and self._current:
            if scale >= self._ceiling:
                return False
            self._total += self._current * scale
            self._current, self._ceiling, self._last = 0, scale, "scale"
        else:
            return False
        return True


def _zeros(found: Sequence[str | Number]) -> Iterator[str | Number]:
    """Yield the tokens with *oh* among numbers as zero, and *double five* as five five."""
    position = 0
    while position < len(found):
        item = found[position]
        before = found[position - 1] if position else None
        after = found[position + 1] if position + 1 < len(found) else None
        further = found[position + 2] if position + 2 < len(found) else None
        if item in _REPEATS and (isinstance(before, Number) or isinstance(further, Number)):
            repeated = Number(0) if after in ("oh", "o") else after
            if isinstance(repeated, Number) and repeated.value < 10:
                yield from [repeated] * _REPEATS[str(item)]
                position += 2
                continue
        among = isinstance(before, Number) and isinstance(after, Number)
        yield Number(0) if among and item in ("oh", "o") else item
        position += 1
