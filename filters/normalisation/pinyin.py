"""Mandarin by its sound: syllables without tones.

A small recogniser hears Mandarin better than it writes it: of thirty neutral sentences in the
studio's voices Whisper base wrote 13 % of the characters wrong, but only 3 % of the syllables,
for it takes 言帝 for 盐递. Tones are left out: it has 8 % of the syllables wrong with them. So a
wrong tone passes here, and only a better recogniser's characters can tell.
"""

from functools import cache
from typing import Any


@cache
def _reader() -> Any:
    from pypinyin import Style, lazy_pinyin

    return lambda text: lazy_pinyin(text, style=Style.NORMAL)


def syllables(form: str) -> str:
    """Return the syllables of a text in Chinese's form, with single spaces between them."""
    return " ".join(_reader()(form))
