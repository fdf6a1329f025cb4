"""How long speech of a text can be, so that a model that has lost its end is stopped in time."""

from typing import Final
from unicodedata import category

from lauter.datasets.codes import CODES_PER_S

LEAST_LIMIT_S: Final = 2.0
"""The limit of an empty text, and of every text so much at least."""
_LIMIT_S_PER_BYTE: Final = 0.2
"""Nobody speaks slower than this: English takes 0.07 s a byte, Mandarin 0.08."""
_LEAST_S_PER_BYTE: Final = 0.02
"""Nobody speaks so fast: of 38,000 utterances of English the quickest took 0.038 s a byte."""
_LIMIT_S_PER_SYMBOL: Final = 1.5
"""A digit, or a sign such as $, is a word or two: "$7,777,777.77" takes 6.4 s."""
_SLOWER_PER_LEVEL: Final = 0.3
"""At the lowest level of speed speech takes up to two and a half times as long."""
_FASTER_PER_LEVEL: Final = 0.2
"""At the highest level it takes half as long."""


def most_codes(text: str, speed_level: int = 0) -> int:
    """Return how many codes speech of ``text`` can have: about three times what is usual."""
    symbols = sum(one.isdigit() or category(one)[0] == "S" or one in "%&@#" for one in text)
    seconds = _LIMIT_S_PER_BYTE * len(text.encode()) + _LIMIT_S_PER_SYMBOL * symbols
    slower = 1 + _SLOWER_PER_LEVEL * max(0, -speed_level)
    return round((LEAST_LIMIT_S + seconds * slower) * CODES_PER_S)


def least_codes(text: str, speed_level: int = 0) -> int:
    """Return how many codes speech of ``text`` must have: about a third of what is usual."""
    seconds = _LEAST_S_PER_BYTE * len(text.encode())
    return round(seconds / (1 + _FASTER_PER_LEVEL * max(0, speed_level)) * CODES_PER_S)
