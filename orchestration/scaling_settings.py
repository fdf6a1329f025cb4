"""What `lauter scaling` can be told; what it reckons with stands in ``conf/assumptions/``."""

from dataclasses import dataclass, field


@dataclass
class ScalingSettings:
    """`lauter scaling`."""

    folder: str = "scaling"
    """Where scaling.json, the page and the plots are written."""
    hours: float = 10_000_000.0
    """Hours of accepted speech."""
    cards: list[int] = field(default_factory=lambda: [64, 128, 256, 512, 1024, 2048, 4096])
    """Numbers of cards on which they are made."""
    at: int = 1024
    """The number of cards for which losses and recognisers are varied."""
    losses: list[float] = field(default_factory=lambda: [0.0, 0.01, 0.05, 0.1, 0.2])
    """Shares of the nodes that are lost in an hour."""
    window_h: float = 6.0
    """Hours of a plan that are simulated, once it is in its stride."""
    seeds: int = 10
    """Simulations of each plan, from which the intervals come."""
    parcels: int = 2000
    """Parcels of requests in such a window; more are finer and slower."""
