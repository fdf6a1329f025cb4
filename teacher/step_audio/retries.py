"""When to ask again, and how often: jittered exponential back-off, and what a server wishes."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from lauter.datasets.errors import UsageError


@dataclass(frozen=True, slots=True)
class Retries:
    """At most ``attempts`` times of asking for one answer, hedges among them.

    After the n-th failure a request waits for any time up to ``base_s`` times 2 to the power of
    n - 1, and never above ``longest_s``: full jitter spreads the returning best (Brooker,
    Exponential Backoff and Jitter, AWS Architecture Blog 2015).
    """

    attempts: int = 8
    base_s: float = 0.5
    longest_s: float = 30.0

    def __post_init__(self) -> None:
        """Raise ``UsageError`` where a figure makes no sense."""
        if self.attempts < 1 or self.base_s < 0 or self.longest_s < 0:
            raise UsageError(
                f"{self.attempts} attempts with waits from {self.base_s:g} to {self.longest_s:g} s "
                "make no sense; give at least one attempt and no negative times"
            )

    def wait_s(self, failures: int, lot: float) -> float:
        """Return how long to wait after so many failures; ``lot`` is drawn from [0, 1)."""
        return lot * min(self.base_s * 2.0 ** min(failures - 1, 60), self.longest_s)


def retry_after_s(header: str | None, now: datetime | None = None) -> float | None:
    """Return the seconds of a Retry-After header, or None where there is none that makes sense.

    It is a number of seconds (fractions are taken too, though the standard has none) or a date
    (RFC 9110, section 10.2.3).
    """
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            date = parsedate_to_datetime(header)
        except ValueError:
            return None
        # A date in no zone is one in UTC (RFC 5322 writes it as -0000).
        date = date if date.tzinfo else date.replace(tzinfo=UTC)
        seconds = (date - (now or datetime.now(UTC))).total_seconds()
    return max(seconds, 0.0) if seconds < float("inf") else None
