"""A recording found again by its sound print, among many: a linear search without a miss.

The print of the one is laid over that of each other at every shift of up to half a second, as
near-duplicates are compared (``filters/near_duplicates.py``), and with the same bounds. Nothing is
indexed: a million recordings of 3 s take about a minute on one core (`make bench ONLY=marking`).
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lauter.filters.near_duplicates import MAX_SHIFT, MIN_FRAMES, MIN_OVERLAP
from lauter.filters.sound import BITS, Print

PRINT = "sound_print"


def likenesses(wanted: Print, prints: pa.Array) -> NDArray[np.float64]:
    """Return how like each of ``prints`` (lists of uint32) is to ``wanted``, at its best shift.

    1 is the same bits and about 0 another recording; NaN where they do not share enough frames.
    """
    lengths = pc.fill_null(pc.list_value_length(prints), 0).to_numpy(zero_copy_only=False)
    lengths = lengths.astype(np.int64)
    bits = prints.flatten().to_numpy(zero_copy_only=False)
    best = np.full(len(lengths), np.nan)
    if not len(bits) or not len(wanted):
        return best
    row = np.repeat(np.arange(len(lengths)), lengths)
    frame = np.arange(len(bits)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    least = np.maximum(MIN_FRAMES, MIN_OVERLAP * np.minimum(lengths, len(wanted)))
    for shift in range(-MAX_SHIFT, MAX_SHIFT + 1):
        over = frame + shift
        shared = np.flatnonzero((over >= 0) & (over < len(wanted)))
        differ = np.bitwise_count(bits[shared] ^ wanted[over[shared]])
        common = np.bincount(row[shared], minlength=len(lengths))
        wrong = np.bincount(row[shared], weights=differ, minlength=len(lengths))
        with np.errstate(invalid="ignore", divide="ignore"):
            alike = 1.0 - 2.0 * wrong / (BITS * common)
        best = np.fmax(best, np.where(common >= least, alike, np.nan))
    return best
