"""Texts that say the same in nearly the same words, within a run and across runs.

Two texts are alike when their sets of character n-grams (three letters where words are spelled,
two characters where each is a syllable) have a Jaccard index of ``ALIKE`` or more; case, width,
spaces and punctuation do not count. MinHash (A. Broder, On the resemblance and containment of
documents, 1997) finds whom to compare with, so that a set of a million texts stays quick, and the
index itself is then computed: MinHash may miss a pair at the border, and never accuses one.

Only texts of the same dialect are compared; one that is for any dialect is compared with all of its
language. `filters/near_duplicates.py` compares
utterances once they are spoken; here nothing has been paid for yet.
"""

import unicodedata
from dataclasses import dataclass
from typing import Final

from datasketch import MinHash, MinHashLSH

ALIKE: Final = 0.6
"""No two of a language's 220 built-in sentences have an index above 0.24. Where one word in ten of
them (in Chinese and Japanese one character) is exchanged for another's, the median is 0.67 to 0.74
and three in four have 0.60 or more (measured on 660 sentences, seed 0)."""
_HASHES: Final = 128
_ROWS: Final = 3
"""Of 128 hashes 42 bands of 3: a pair with index 0.6 is missed once in 28,000, one with 0.5
once in 270. So ``alike`` is to be 0.5 or more."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """The text that another is like, where that came from, and their index."""

    text: str
    origin: str
    index: float


def shingles(text: str, language: str) -> frozenset[str]:
    """Return the n-grams of a text by which it is compared."""
    plain = "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())
    size = 2 if language in ("zh", "ja") else 3
    return frozenset(plain[at : at + size] for at in range(max(1, len(plain) - size + 1)))


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the share of what two sets have in common; 1 for two empty ones."""
    return len(one & other) / len(one | other) if one or other else 1.0


class NearDuplicates:
    """The texts so far; the first of several that are alike is the one that stays."""

    def __init__(self, alike: float = ALIKE) -> None:
        self._alike = alike
        self._indices: dict[tuple[str, str], MinHashLSH] = {}
        self._texts: list[tuple[str, str, frozenset[str]]] = []
        self._empty = MinHash(num_perm=_HASHES, scheme="affine32")

    def like(self, text: str, language: str, dialect: str) -> Likeness | None:
        """Return the text so far that is most like this one, where one is alike."""
        grams = shingles(text, language)
        hashes = self._hashed(grams)
        places = [
            place
            for (of, spoken), index in self._indices.items()
            if of == language and (not dialect or spoken in ("", dialect))
            for place in index.query(hashes)
        ]
        likenesses = [
            Likeness(other, origin, jaccard(grams, theirs))
            for other, origin, theirs in (self._texts[int(place)] for place in places)
        ]
        alike = [one for one in likenesses if one.index >= self._alike]
        return max(alike, key=lambda one: (one.index, one.text), default=None)

    def add(self, text: str, language: str, dialect: str, origin: str) -> None:
        """Take a text in; ``origin`` says where it came from."""
        grams = shingles(text, language)
        place = str(len(self._texts))
        self._texts.append((text, origin, grams))
        self._index(language, dialect).insert(place, self._hashed(grams))

    def _index(self, language: str, dialect: str) -> MinHashLSH:
        if (language, dialect) not in self._indices:
            bands = _HASHES // _ROWS
            self._indices[language, dialect] = MinHashLSH(num_perm=_HASHES, params=(bands, _ROWS))
        return self._indices[language, dialect]

    def _hashed(self, grams: frozenset[str]) -> MinHash:
        hashes = self._empty.copy()
        hashes.update_batch([gram.encode() for gram in sorted(grams)])
        return hashes
