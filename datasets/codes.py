"""Speech as codes of two codebooks, side by side: how they are numbered, woven and checked.

The linguistic book (1024 entries, one each 60 ms) says what is spoken, the semantic book (4096
entries, one each 40 ms) how it sounds. Every 120 ms make one group ``L L S S S``; a stream is whole
groups, linguistic first (arXiv 2502.11946, section 3.1). A **code** counts through both books:
linguistic entry k is code k, semantic entry k is code 1024 + k, and ``<audio_code>`` is its text.
The ids of a language model's vocabulary are another matter: ``layout.py``.

A stream that misses one code turns every later one into noise. So whoever takes in a stream checks
it first, and what is wrong is named with its position.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lauter.datasets.errors import UsageError

LINGUISTIC_ENTRIES: Final = 1024
SEMANTIC_ENTRIES: Final = 4096
CODES: Final = LINGUISTIC_ENTRIES + SEMANTIC_ENTRIES

LINGUISTIC_PER_GROUP: Final = 2
SEMANTIC_PER_GROUP: Final = 3
GROUP: Final = LINGUISTIC_PER_GROUP + SEMANTIC_PER_GROUP
GROUP_MS: Final = 120
CODES_PER_S: Final = GROUP * 1000 / GROUP_MS

Codes = NDArray[np.int32]
"""Codes of a stream, int32 ``[5 * groups]``, each from 0 to 5119."""
Entries = NDArray[np.int32]
"""Entries of one book, int32 ``[entries]``, counted from 0 within the book."""

_IS_LINGUISTIC = np.arange(GROUP) < LINGUISTIC_PER_GROUP
_AS_TEXT = re.compile(r"<audio_([0-9]{1,9})>")


class InvalidCodesError(UsageError):
    """A stream that no codec could have made."""


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that is wrong with a stream: where (from 0), and what, as a clause."""

    position: int
    what: str


def find_fault(codes: Sequence[int] | Codes) -> Fault | None:
    """Return the first fault of a stream, or None where it is valid.

    Faults are codes outside both books, codes in a slot of the other book (also those before the
    first group), and a last group that is not whole. A stream without codes has none.
    """
    given = _whole_numbers(codes)
    if given is None:
        return Fault(0, "is no row of whole numbers")
    outside = (given < 0) | (given >= CODES)
    misplaced = (given < LINGUISTIC_ENTRIES) != np.resize(_IS_LINGUISTIC, len(given))
    wrong = np.flatnonzero(outside | misplaced)
    if len(wrong):
        position = int(wrong[0])
        return Fault(position, _what(int(given[position]), position, bool(outside[position])))
    if len(given) % GROUP:
        return Fault(len(given), f"ends {len(given) % GROUP} codes into a group of {GROUP}")
    return None


def _whole_numbers(codes: Sequence[int] | Codes) -> NDArray[np.int64] | None:
    given = np.asarray(codes)
    if given.ndim != 1 or (len(given) and given.dtype.kind not in "iu"):
        return None
    return given.astype(np.int64)


def _what(code: int, position: int, outside: bool) -> str:
    if outside:
        return f"has {code}, which is no code (0 to {CODES - 1})"
    found, wanted = "linguistic", "semantic"
    if code >= LINGUISTIC_ENTRIES:
        found, wanted = wanted, found
    return f"has the {found} code {code} in a {wanted} slot ({position % GROUP + 1} of {GROUP})"


def check_codes(codes: Sequence[int] | Codes, name: str) -> Codes:
    """Return a valid stream as an array.

    Raises ``InvalidCodesError`` for any other; the message names the stream (``name``, such as
    "utterance 4f…") and the position.
    """
    fault = find_fault(codes)
    if fault:
        raise InvalidCodesError(
            f"the codes of {name} are not valid: at position {fault.position} the stream "
            f"{fault.what}; encode its audio again"
        )
    return np.asarray(codes, np.int32)


def interleave(linguistic: Sequence[int] | Entries, semantic: Sequence[int] | Entries) -> Codes:
    """Return the stream of both books' entries; what fills no whole group is dropped.

    Raises ``InvalidCodesError`` for an entry that its book does not have.
    """
    first = _checked_entries(linguistic, LINGUISTIC_ENTRIES, "linguistic")
    second = _checked_entries(semantic, SEMANTIC_ENTRIES, "semantic")
    groups = min(len(first) // LINGUISTIC_PER_GROUP, len(second) // SEMANTIC_PER_GROUP)
    woven = np.empty((groups, GROUP), np.int32)
    woven[:, :LINGUISTIC_PER_GROUP] = first[: groups * LINGUISTIC_PER_GROUP].reshape(
        groups, LINGUISTIC_PER_GROUP
    )
    woven[:, LINGUISTIC_PER_GROUP:] = LINGUISTIC_ENTRIES + second[
        : groups * SEMANTIC_PER_GROUP
    ].reshape(groups, SEMANTIC_PER_GROUP)
    return woven.reshape(-1)


def _checked_entries(entries: Sequence[int] | Entries, size: int, book: str) -> Entries:
    given = _whole_numbers(entries)
    if given is None:
        raise InvalidCodesError(f"the {book} entries are no row of whole numbers")
    wrong = np.flatnonzero((given < 0) | (given >= size))
    if len(wrong):
        raise InvalidCodesError(
            f"the {book} book has entries 0 to {size - 1}, not {given[wrong[0]]} "
            f"(at position {wrong[0]}); its codec is another one"
        )
    return given.astype(np.int32)


def deinterleave(codes: Sequence[int] | Codes, name: str = "a stream") -> tuple[Entries, Entries]:
    """Return the linguistic and the semantic entries of a stream.

    Raises ``InvalidCodesError`` as ``check_codes`` does.
    """
    groups = check_codes(codes, name).reshape(-1, GROUP)
    return (
        groups[:, :LINGUISTIC_PER_GROUP].reshape(-1),
        groups[:, LINGUISTIC_PER_GROUP:].reshape(-1) - np.int32(LINGUISTIC_ENTRIES),
    )


def codes_as_text(codes: Sequence[int] | Codes) -> str:
    """Return codes in the text form of the released models, ``<audio_17><audio_4>…``."""
    return "".join(f"<audio_{int(code)}>" for code in codes)


def codes_from_text(text: str) -> Codes:
    """Return the codes of a text that is nothing but codes; whether they are valid is not asked.

    Raises ``InvalidCodesError`` for a text that holds anything else but white space.
    """
    rest = _AS_TEXT.sub("", text).strip()
    if rest:
        raise InvalidCodesError(
            f"'{rest[:20]}' is no code; the text form of speech is <audio_0> to <audio_{CODES - 1}>"
        )
    return np.asarray([int(number) for number in _AS_TEXT.findall(text)], np.int32)
