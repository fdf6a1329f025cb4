"""What is counted over chains: how many of each step were kept, and whether levels really rise."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Final

from lauter.filters.margins import DIRECTIONS, SPEED_LEVEL_OCTAVES, SPREAD, Movement
from lauter.orchestration.audit.intervals import Share
from lauter.pipelines.chains import MEASURES, MOVED, Chain, Link

_FASTER: Final = Movement(0.0, 0.0, 0.0, SPEED_LEVEL_OCTAVES)
_SLOWER: Final = Movement(0.0, 0.0, 0.0, -SPEED_LEVEL_OCTAVES)
_DIRECTIONS: Final[Mapping[str, Movement]] = {**DIRECTIONS, "faster": _FASTER, "slower": _SLOWER}
_TELLING: Final = 0.5
"""A measure says something of a kind whose single level moves it by so much of ``SPREAD``."""


@dataclass(frozen=True)
class Kind:
    """Chains of one kind: their steps' yields, and how many rise.

    ``yields`` has for each dialect the shares accepted, level by level. ``monotone`` counts chains
    of which at least two links were accepted: those whose accepted links lie ever further from the
    root, by all measures together (``MOVED``) and by each measure that a level moves noticeably.
    """

    name: str
    chains: int
    yields: Mapping[str, Sequence[Share]]
    monotone: Mapping[str, Share]

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as JSON can say them."""
        return {
            "kind": self.name,
            "chains": self.chains,
            "yields": {
                dialect: [share_as_dict(one) for one in shares]
                for dialect, shares in self.yields.items()
            },
            "monotone": {name: share_as_dict(share) for name, share in self.monotone.items()},
        }


def kinds_of(chains: Sequence[Chain]) -> list[Kind]:
    """Return the kinds of chains there are, sorted by name."""
    by_name: dict[str, list[Chain]] = defaultdict(list)
    for chain in chains:
        by_name[chain.kind].append(chain)
    return [
        Kind(name, len(some), _yields(some), _monotone(name, some))
        for name, some in sorted(by_name.items())
    ]


def total_monotone(chains: Sequence[Chain]) -> Share:
    """Return how many chains rise, of those of which it can be said."""
    return _share([chain.is_monotone() for chain in chains])


def reasons(chains: Sequence[Chain]) -> list[tuple[str, int]]:
    """Return the gates at which links were rejected, with how many links each, the most first."""
    counts: Counter[str] = Counter()
    for link in distinct([link for chain in chains for link in chain.links]):
        counts.update(set(link.failed_gates))
    return counts.most_common()


def distinct(links: Iterable[Link]) -> list[Link]:
    """Return each utterance once: chains that part share their beginning."""
    return list({link.row["request_id"]: link for link in links}.values())


def share_as_dict(share: Share) -> dict[str, float]:
    """Return a share with its interval."""
    low, high = share.interval
    return {
        "part": share.part, "of": share.whole, "rate": share.rate, "low": low, "high": high
    }  # fmt: skip


def _yields(chains: Sequence[Chain]) -> dict[str, list[Share]]:
    deepest = max(len(chain.links) for chain in chains)
    found = {}
    for dialect in sorted({chain.root.row["dialect"] for chain in chains}):
        steps = []
        for place in range(deepest):
            links = distinct(
                [
                    chain.links[place]
                    for chain in chains
                    if chain.root.row["dialect"] == dialect and len(chain.links) > place
                ]
            )
            steps.append(Share(sum(bool(link.accepted) for link in links), len(links)))
        found[dialect] = steps
    return found


def _monotone(kind: str, chains: Sequence[Chain]) -> dict[str, Share]:
    if kind not in _DIRECTIONS:
        return {}
    shares = {MOVED: _share([chain.is_monotone() for chain in chains])}
    moves = zip(MEASURES, astuple(_DIRECTIONS[kind]), astuple(SPREAD), strict=True)
    for measure, moved, spread in moves:
        if abs(moved) >= _TELLING * spread:
            rising = moved > 0
            shares[measure] = _share([one.is_monotone(measure, rising=rising) for one in chains])
    return shares


def _share(answers: Sequence[bool | None]) -> Share:
    known = [one for one in answers if one is not None]
    return Share(sum(known), len(known))
