"""The quantiles of what was seen of late."""

import math
from collections import deque


class Recent:
    """A window over the last ``kept`` figures; a quantile costs nothing, a new figure a sort."""

    def __init__(self, kept: int) -> None:
        self._window: deque[float] = deque(maxlen=kept)
        self._sorted: list[float] = []

    def __len__(self) -> int:
        return len(self._window)

    def add(self, figure: float) -> None:
        """Take in one more; the oldest goes where the window is full."""
        self._window.append(figure)
        self._sorted = sorted(self._window)

    def at(self, quantile: float) -> float:
        """Return the least figure that a share of them (above 0, at most 1) does not exceed."""
        return self._sorted[math.ceil(quantile * len(self._sorted)) - 1]
