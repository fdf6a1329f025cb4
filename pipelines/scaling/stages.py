"""What a stage of a plan is: devices on nodes, the time they take, and how they are lost.

A node is what is simulated: its devices work side by side on what the node has taken. So a node
of eight recogniser cards is one server eight times as fast as a card, and a node of a teacher that
lies on eight cards is one server.
"""

import math
from dataclasses import dataclass, fields

from lauter.datasets.errors import UsageError


@dataclass(frozen=True)
class PlannedStage:
    """One stage. Times are of one device; rates of loss are of one node."""

    name: str
    devices: int
    """Devices that do this: servers, cards, cores or writers."""
    devices_per_node: int = 1
    """Devices that are lost together."""
    cards_per_device: float = 0.0
    """Accelerator cards that a device is."""
    seconds_per_request: float = 0.0
    """Time of a request, whatever its length."""
    seconds_per_speech_second: float = 0.0
    """Time of a request for each second of its speech."""
    spread: float = 0.0
    """Standard deviation of a request's time over its mean, beside what its length does."""
    batch: int = 1
    """Requests that a node has in hand: with the node they are lost, half done on average."""
    share: float = 1.0
    """Part of the requests that comes to this stage; the others pass by."""
    invalid_share: float = 0.0
    """Part of the answers that is no good and asked for again."""
    attempts: int = 1
    """How often a request is asked at most."""
    queue: int = 2
    """Parcels that may wait for each node; whoever brings one more waits with it."""
    slow_share: float = 0.0
    """Part of the nodes that is slow for all its life."""
    slowdown: float = 1.0
    """How many times as long a slow node takes."""
    losses_per_hour: float = 0.0
    """Part of the nodes at work that is lost in an hour."""
    replace_s: float = 0.0
    """Seconds until a lost node has a successor."""
    load_s: float = 0.0
    """Seconds in which a new node loads its models."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "name" and not 0 <= value < math.inf:
                raise UsageError(f"{field.name} of '{self.name}' is {value}; set 0 or more")
        for name in ("devices", "devices_per_node", "batch", "attempts", "queue", "slowdown"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} of '{self.name}' is {getattr(self, name)}; set 1 or more")
        for name in ("share", "invalid_share", "slow_share"):
            if getattr(self, name) > 1:
                raise UsageError(f"{name} of '{self.name}' is {getattr(self, name)}; set at most 1")

    @property
    def nodes(self) -> int:
        """How many nodes the devices fill; the last may have fewer."""
        return math.ceil(self.devices / self.devices_per_node)

    @property
    def cards(self) -> float:
        """How many cards the stage takes."""
        return self.devices * self.cards_per_device

    @property
    def mean_attempts(self) -> float:
        """How often a request is asked on average."""
        return sum(self.invalid_share**attempt for attempt in range(self.attempts))

    def devices_of(self, node: int) -> int:
        """Return how many devices a node has, counted from 0."""
        return min(self.devices_per_node, self.devices - node * self.devices_per_node)

    def device_seconds(self, requests: float, speech_s: float) -> float:
        """Return the mean time of one device for requests with so much speech, each asked once."""
        return requests * self.seconds_per_request + speech_s * self.seconds_per_speech_second
