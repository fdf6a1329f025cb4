"""Whether what a model answered is speech, asked before anything is paid for its decoding.

A language model that speaks in codes fails in a few ways, and each makes noise of a whole
utterance: it never ends, stray codes stand at the front and shift every slot, a code lies in the
other book's slot, it says the same over and over, or it is far too short or long for its text.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from lauter.datasets.codes import (
    CODES,
    CODES_PER_S,
    GROUP,
    GROUP_MS,
    LINGUISTIC_ENTRIES,
    Codes,
    find_fault,
)
from lauter.datasets.speech_length import least_codes, most_codes

LONGEST_PERIOD: Final = 25
"""Groups: what comes again within three seconds can be a loop."""
LOOP_GROUPS: Final = 16
"""Groups that a loop has at least, 1.9 s. Among 38,000 real utterances (our codec, English) no
group came three times in a row, and no longer part came again at once."""


@dataclass(frozen=True, slots=True)
class Invalid:
    """What is wrong: ``kind`` in two or three words that can be counted, and a clause."""

    kind: str
    what: str


def find_invalid(
    codes: Codes, ended: bool, text: str, *, speed_level: int = 0, most: int | None = None
) -> Invalid | None:
    """Return what is wrong with an answer, None where it is speech of about the text's length.

    ``codes`` are those of the answer without its end, also where they lie outside the books;
    ``most`` is how many it may have (None: what speech of the text can have).
    """
    if not len(codes):
        return Invalid("empty", "has no codes")
    if stray := _stray(codes):
        return Invalid("stray codes", f"begins with {stray} semantic codes that belong to no group")
    if fault := find_fault(codes):
        kind = "incomplete group" if fault.position == len(codes) else "misplaced code"
        if fault.position < len(codes) and not 0 <= codes[fault.position] < CODES:
            kind = "no code"
        return Invalid(kind, f"{fault.what} (at position {fault.position})")
    if loop := find_loop(codes):
        start, period = loop
        of = f"{period * GROUP_MS / 1000:.2g} s from second {start * GROUP_MS / 1000:.1f} on"
        return Invalid("loop", f"repeats the {of} over and over")
    if not ended:
        return Invalid("no end", f"goes on after {len(codes)} codes without an end")
    if len(codes) < (least := least_codes(text, speed_level)):
        return Invalid("too short", _length(codes, text, f"at least {least / CODES_PER_S:.1f} s"))
    most = most_codes(text, speed_level) if most is None else most
    if len(codes) > most:
        return Invalid("too long", _length(codes, text, f"at most {most / CODES_PER_S:.1f} s"))
    return None


def _stray(codes: Codes) -> int:
    """Return how many semantic codes stand before the first linguistic one."""
    is_linguistic = codes < LINGUISTIC_ENTRIES
    return int(is_linguistic.argmax()) if is_linguistic.any() else 0


def find_loop(codes: Codes) -> tuple[int, int] | None:
    """Return where a loop of a stream begins and its period, both in groups; None without one.

    A loop is at least ``LOOP_GROUPS`` long and at least three times its period.
    """
    groups = np.asarray(codes)[: len(codes) // GROUP * GROUP].reshape(-1, GROUP)
    for period in range(1, LONGEST_PERIOD + 1):
        repeats = max(LOOP_GROUPS, 3 * period) - period
        if len(groups) < repeats + period:
            return None
        is_again = (groups[period:] == groups[:-period]).all(1)
        # The sum over a window is its length where all of it repeats.
        sums = np.convolve(is_again, np.ones(repeats, np.int64), "valid")
        if (sums == repeats).any():
            return int((sums == repeats).argmax()), period
    return None


def _length(codes: Codes, text: str, bound: str) -> str:
    return f"lasts {len(codes) / CODES_PER_S:.1f} s, and {len(text)} characters take {bound}"
