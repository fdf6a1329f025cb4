"""When a request is asked a second time, elsewhere, since its server lags behind the others.

A fixed patience would call every long answer a straggler. The stream tells more: how many ids have
come. So an attempt is held against the pace that another server keeps in nearly all its answers,
and is hedged when it lags a part of a typical answer behind it. That catches a server that hangs as
well as one that is slow, and a long answer at a fair pace never (hedged requests: Dean and Barroso,
The Tail at Scale, CACM 56(2), 2013).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from lauter.datasets.errors import UsageError
from lauter.teacher.step_audio.recent import Recent

_LENGTHS_KEPT = 256


@dataclass(frozen=True, slots=True)
class Hedging:
    """Hedge an attempt that lags ``behind`` of a typical answer; at most ``share`` of requests.

    The pace is the ``quantile`` of a server's recent seconds per id, once it has given ``after``
    answers.
    """

    quantile: float = 0.95
    behind: float = 0.5
    share: float = 0.1
    after: int = 8

    def __post_init__(self) -> None:
        """Raise ``UsageError`` where a figure makes no sense."""
        if not (0 < self.quantile <= 1 and self.behind > 0 and self.share >= 0 and self.after > 0):
            raise UsageError(
                f"hedging at the quantile {self.quantile:g} of {self.after} answers, "
                f"{self.behind:g} of an answer behind, for a share of {self.share:g} makes no "
                "sense; the quantile is above 0 and at most 1, the others are above zero"
            )


class Hedger:
    """Knows how long answers are, and how many requests were asked and hedged."""

    def __init__(self, settings: Hedging) -> None:
        self._settings = settings
        self._lengths = Recent(_LENGTHS_KEPT)
        self._asked = 0
        self._hedged = 0

    def asked(self) -> None:
        """Count a request."""
        self._asked += 1

    def hedged(self) -> None:
        """Count a hedge."""
        self._hedged += 1

    def answered(self, ids: int) -> None:
        """Remember the length of an answer."""
        self._lengths.add(ids)

    def may_hedge(self) -> bool:
        """Say whether one more request may be hedged."""
        return self._hedged < self._settings.share * self._asked

    def due_s(self, received: int, others: Iterable[Recent]) -> float | None:
        """Return after how many seconds an attempt of which so many ids have come is a straggler.

        By then the quickest of the ``others`` (their recent seconds per id) would have given as
        many, and a part of a typical answer more. None: too little is known to tell.
        """
        known = [
            paces.at(self._settings.quantile)
            for paces in others
            if len(paces) >= self._settings.after
        ]
        if not known or not len(self._lengths):
            return None
        return min(known) * (received + self._settings.behind * self._lengths.at(0.5))
