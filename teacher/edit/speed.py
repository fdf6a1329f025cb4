"""Fast and slow: the pace alone, pitch and formants left where they are."""

import math

from lauter.teacher.edit.change import Change

FASTER = Change(rate_octaves=math.log2(1.1))
"""One level of speed: a tenth faster; five levels: 1.61 times as fast."""


def paced(speed_level: int) -> Change:
    """Return the change for a level from -5 (0.62 times the pace) to 5 (1.61 times)."""
    return FASTER * speed_level
