"""What filling the quotas will cost, from a small pilot, with an interval.

Cells of one teacher are taken to be alike to a degree that the pilot itself tells: their yields are
drawn from one Beta distribution, whose mean and narrowness are drawn from what is likely after all
of them; another teacher's cells say nothing of these. Each
cell's yield is then drawn from what its own requests say on top of that, the requests that are
still wanted from how often one must ask at that yield, and what they cost from the pilot's own,
with the chance of each. The interval does not hold what the pilot could not see: prompts that get
harder, servers that die, or batches that are fuller than the pilot's, which make each request
cheaper.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln

from lauter.datasets.prompts.cell import Cell
from lauter.pipelines.cost import Prices, Spent
from lauter.pipelines.ledger import CellLedger, Ledger, shares, total

_DRAWS: Final = 4000
_CONFIDENCE: Final = 0.9
_LEAST_YIELD: Final = 0.01
_FEW: Final = 8
"""Of a cell with fewer requests, what one costs is taken from all cells of its teacher."""


@dataclass(frozen=True, slots=True)
class Range:
    """The middle of what is expected, and the bounds within which nine of ten outcomes lie."""

    middle: float
    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether a value lies within the bounds."""
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Forecast:
    """What filling all quotas costs in the end, the pilot included.

    ``pilot`` is how many requests it rests on.
    """

    requests: Range
    price: Range
    device_hours: Range
    accepted_hours: float
    currency: str
    pilot: int

    def as_dict(self) -> dict[str, Any]:
        """Return the figures for ``run.json``."""
        return asdict(self)

    @classmethod
    def from_dict(cls, read: Mapping[str, Any]) -> "Forecast":
        """Return what ``as_dict`` gave."""
        ranges = {name: Range(**read[name]) for name in ("requests", "price", "device_hours")}
        return cls(**(dict(read) | ranges))


def forecast(
    ledger: Ledger,
    wanted: Mapping[Cell, int],
    prices: Prices,
    *,
    along: Spent | None = None,
    seed: int = 0,
) -> Forecast:
    """Return what filling ``wanted`` accepted utterances costs, from what a corpus has so far.

    ``along`` is what was spent on the neutral speech that the pilot's chains begin with
    (``read_along``); it is taken to go on coming along at the pilot's rate.
    """
    draws = np.random.default_rng(seed)
    known = total(ledger)
    teachers = dict.fromkeys(one.teacher for one in ledger.values())
    alike = {name: _alike(ledger, name) for name in teachers}
    likeness = {name: _likeness(shares(cells), draws) for name, cells in alike.items()}
    requests, price, device_s = np.zeros(_DRAWS), np.zeros(_DRAWS), np.zeros(_DRAWS)
    for cell, entry in ledger.items():
        missing = wanted[cell] - entry.spent.accepted
        if missing <= 0:
            continue
        asked = _asked(entry, missing, *likeness[entry.teacher], draws)
        costs = [entry] if len(entry.prices) >= _FEW else alike[entry.teacher].values()
        requests += asked
        price += _sum_of(asked, [one for each in costs for one in each.prices], draws)
        device_s += _sum_of(asked, [one for each in costs for one in each.device_s], draws)
    length_s = known.accepted_s / max(1, known.accepted)
    accepted = sum(max(wanted[cell], one.spent.accepted) for cell, one in ledger.items())
    whole = known + (along or Spent())

    def in_the_end(further: NDArray[np.float64], cost: Callable[[Spent], float]) -> Range:
        ratio = cost(whole) / cost(known) if cost(known) else 1.0
        return _range(cost(whole) + ratio * further)

    return Forecast(
        requests=in_the_end(requests, lambda spent: spent.asked),
        price=in_the_end(price, lambda spent: prices.of(spent.seconds)),
        device_hours=in_the_end(device_s / 3600, lambda spent: prices.device_hours(spent.seconds)),
        accepted_hours=length_s * accepted / 3600,
        currency=prices.currency,
        pilot=whole.asked,
    )


def _alike(ledger: Ledger, teacher: str) -> Ledger:
    """Return the cells that a teacher has spoken; all, for those that none has yet."""
    return {cell: one for cell, one in ledger.items() if teacher in ("", one.teacher)}


def _likeness(
    counts: Sequence[tuple[int, int]], draws: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw the mean and the weight of the distribution that cells' yields come from.

    From their posterior on a grid: accepted of asked of each cell is Beta-binomial.
    """
    means, weights = np.meshgrid(np.linspace(0.01, 0.99, 50), np.geomspace(1, 512, 19))
    first, second = means * weights, (1 - means) * weights
    log = np.zeros_like(means)
    for accepted, asked in counts:
        log += betaln(accepted + first, asked - accepted + second) - betaln(first, second)
    likely = np.exp(log - log.max()).ravel()
    chosen = draws.choice(likely.size, _DRAWS, p=likely / likely.sum())
    return means.ravel()[chosen], weights.ravel()[chosen]


def _asked(
    entry: CellLedger,
    missing: int,
    means: NDArray[np.float64],
    weights: NDArray[np.float64],
    draws: np.random.Generator,
) -> NDArray[np.float64]:
    """Draw how many requests it takes until so many are accepted."""
    rejected = entry.first_asked - entry.first_accepted
    first = entry.first_accepted + means * weights
    yields = np.maximum(draws.beta(first, rejected + (1 - means) * weights), _LEAST_YIELD)
    return missing + draws.negative_binomial(missing, yields).astype(np.float64)


def _sum_of(
    asked: NDArray[np.float64], costs: list[float], draws: np.random.Generator
) -> NDArray[np.float64]:
    """Draw what so many requests cost: by the mean of those that were paid, and by chance."""
    if not costs:
        return np.zeros(_DRAWS)
    paid = np.asarray(costs)
    deviation = float(paid.std(ddof=1)) if len(paid) > 1 else float(paid[0])
    # Of few the deviation is little known: Student's distribution is the wider for it.
    lots = draws.standard_t(max(2, len(paid) - 1), _DRAWS)
    mean = paid.mean() + lots * deviation / math.sqrt(len(paid))
    chance = draws.standard_normal(_DRAWS) * deviation * np.sqrt(asked)
    drawn: NDArray[np.float64] = np.maximum(asked * mean + chance, 0.0)
    return drawn


def _range(values: NDArray[np.float64]) -> Range:
    outside = (1 - _CONFIDENCE) / 2
    low, middle, high = np.quantile(values, [outside, 0.5, 1 - outside])
    return Range(float(middle), float(low), float(high))
