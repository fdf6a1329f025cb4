"""What flows through a simulation."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parcel:
    """Requests that travel together; the larger, the fewer events a simulation has.

    ``requests`` are alive, ``failed`` have used up their attempts; ``entered_s`` is when the
    parcel came in.
    """

    requests: int
    speech_s: float
    entered_s: float
    failed: int = 0

    @property
    def count(self) -> int:
        """All requests of the parcel."""
        return self.requests + self.failed

    def divided(self, first: int) -> "tuple[Parcel, Parcel]":
        """Return the first so many living requests and the others, with their share of speech.

        Those that have failed go with the first.
        """
        speech_s = self.speech_s * first / self.requests
        return (
            Parcel(first, speech_s, self.entered_s, self.failed),
            Parcel(self.requests - first, self.speech_s - speech_s, self.entered_s),
        )
