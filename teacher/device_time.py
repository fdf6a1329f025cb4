"""What each of many requests costs that share devices: their time in equal parts.

While n requests are in flight, each second of each device is shared by n. One figure that grows by
``devices / n`` a second tells every request its cost: the difference between its end and its
beginning (the virtual time of generalised processor sharing: Parekh and Gallager 1993).
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class DeviceTime:
    """So many devices and requests in flight; ``part_s`` is one request's part.

    ``part_s`` stands as of the time ``at``, in device seconds since the beginning.
    """

    devices: float
    in_flight: int = 0
    part_s: float = 0.0
    at: float = 0.0

    def changed(self, by: int, now: float) -> "DeviceTime":
        """Return the state after ``by`` requests came (negative: went) at ``now``."""
        grown_s = (now - self.at) * self.devices / self.in_flight if self.in_flight else 0.0
        return replace(self, in_flight=self.in_flight + by, part_s=self.part_s + grown_s, at=now)
