"""Lengths of time as people say them."""


def length_of_time(seconds: float) -> str:
    """Return a length in the unit that gives it two or three figures: 42 s, 12.5 min, 3.1 h."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"
