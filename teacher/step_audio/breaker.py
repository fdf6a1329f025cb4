"""When a server is left alone for a while: a circuit breaker, as a value.

Closed, it counts failures in a row. Open, nothing is asked until a rest is over; then one attempt
is let through, and what comes of it closes the breaker or opens it for twice as long (Nygard,
Release It!, 2nd edition, chapter 5). Times are seconds of any clock that never goes back.
"""

from dataclasses import dataclass, replace

from lauter.datasets.errors import UsageError


@dataclass(frozen=True, slots=True)
class Breaker:
    """A closed breaker, unless ``open_until`` is set; each method returns the next state.

    ``opens_after`` failures in a row open it for ``rest_s``, which doubles each time the attempt
    after the rest fails, up to ``longest_rest_s``.
    """

    opens_after: int = 5
    rest_s: float = 5.0
    longest_rest_s: float = 60.0
    failures: int = 0
    rests: int = 0
    open_until: float | None = None
    is_trying: bool = False

    def __post_init__(self) -> None:
        """Raise ``UsageError`` where a figure makes no sense."""
        if self.opens_after < 1 or not 0 < self.rest_s <= self.longest_rest_s:
            raise UsageError(
                f"a breaker that opens after {self.opens_after} failures and rests for "
                f"{self.rest_s:g} to {self.longest_rest_s:g} s makes no sense; "
                "give it one failure or more and a rest above zero"
            )

    def allows(self, now: float) -> bool:
        """Say whether an attempt may begin."""
        return self.open_until is None or (now >= self.open_until and not self.is_trying)

    @property
    def is_open(self) -> bool:
        """Whether the next attempt, if it is allowed, is one to see if all is well again."""
        return self.open_until is not None

    def begun(self) -> "Breaker":
        """Return the state after an attempt that was allowed has begun."""
        return replace(self, is_trying=self.is_open)

    def succeeded(self) -> "Breaker":
        """Return the state after an answer: closed, whatever was before."""
        return Breaker(self.opens_after, self.rest_s, self.longest_rest_s)

    def failed(self, now: float, *, is_trial: bool) -> "Breaker":
        """Return the state after a failure; ``is_trial``: of an attempt that began while open.

        While it is open, failures of attempts that began before say nothing new.
        """
        if self.is_open and not is_trial:
            return self
        if not self.is_open and self.failures + 1 < self.opens_after:
            return replace(self, failures=self.failures + 1)
        # Powers of two that are past every rest, and further ones would overflow.
        rest_s = min(self.rest_s * 2.0 ** min(self.rests, 60), self.longest_rest_s)
        return replace(
            self, failures=0, rests=self.rests + 1, open_until=now + rest_s, is_trying=False
        )

    def left(self) -> "Breaker":
        """Return the state after an attempt while open that showed nothing: it was given up."""
        return replace(self, is_trying=False)
