"""How much may be asked in a time: a token bucket, as a value.

It fills by ``rate`` a second, up to one second's worth. Something may be taken whenever it is not
in debt, and what is dear leaves a debt: so nothing dear waits forever behind what is cheap.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket that held ``level`` at the time ``at`` (seconds of a clock that never goes back)."""

    rate: float
    level: float
    at: float

    @property
    def ready_at(self) -> float:
        """The time from which something may be taken."""
        return self.at + max(-self.level, 0.0) / self.rate

    def taken(self, amount: float, now: float) -> "Bucket":
        """Return the bucket without ``amount``; a negative one is given back."""
        filled = min(self.level + (now - self.at) * self.rate, self.rate)
        return replace(self, level=min(filled - amount, self.rate), at=now)
