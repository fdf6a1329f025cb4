"""Balance of a set over topics, genres and registers: how many of each, and how even it became."""

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from lauter.teacher.writer.task import Kind

T = TypeVar("T")


def spread(count: int, stock: Mapping[Kind, int | None], key: str) -> dict[Kind, int]:
    """Return how many of ``count`` texts each kind gets: as even as its stock (None: any) allows.

    Topics come first, then genres and registers within a topic; who gets the odd one is decided
    by ``key`` alone. Fewer than ``count`` come out where the stock is smaller.
    """
    topics: dict[str, dict[Kind, int | None]] = {}
    for kind in shuffled(stock, key):
        topics.setdefault(kind.topic, {})[kind] = stock[kind]
    totals = {topic: _total(kinds.values()) for topic, kinds in topics.items()}
    shares: dict[Kind, int] = {}
    for topic, share in _even(count, totals).items():
        shares |= _even(share, topics[topic])
    return {kind: share for kind, share in shares.items() if share}


def in_turn(kinds: Sequence[Kind], count: int, key: str) -> list[Kind]:
    """Return ``count`` kinds, each topic as often as any other, with genres and registers in turn.

    A kind comes again only when all have come.
    """
    topics: dict[str, list[Kind]] = {}
    for kind in shuffled(kinds, key):
        topics.setdefault(kind.topic, []).append(kind)
    # A topic's kinds are in another order than the next one's, so that genres mix.
    rows = list(topics.values())
    return [
        rows[at % len(rows)][at // len(rows) % len(rows[at % len(rows)])] for at in range(count)
    ]


def _total(stock: Iterable[int | None]) -> int | None:
    total = 0
    for one in stock:
        if one is None:
            return None
        total += one
    return total


def _even(count: int, stock: Mapping[T, int | None]) -> dict[T, int]:
    """Fill all alike until ``count`` is reached; who has no more is passed over."""
    shares = dict.fromkeys(stock, 0)
    open_ = [name for name in stock if stock[name] != 0]
    left = count
    while left and open_:
        each, odd = divmod(left, len(open_))
        for position, name in enumerate(open_):
            most, wish = stock[name], each + (position < odd)
            given = wish if most is None else min(wish, most - shares[name])
            shares[name] += given
            left -= given
        open_ = [name for name in open_ if (most := stock[name]) is None or shares[name] < most]
    return shares


def evenness(labels: Iterable[str]) -> float:
    """Return the entropy of ``labels`` as a share of the greatest: 1 all alike, 0 only one.

    Pielou's evenness, over the labels that occur.
    """
    counts = Counter(labels).values()
    if len(counts) < 2:
        return 0.0
    total = sum(counts)
    return -sum(n / total * math.log(n / total) for n in counts) / math.log(len(counts))


def shuffled(things: Iterable[T], key: str) -> list[T]:
    """Return ``things`` in an order that only their content and ``key`` decide."""
    return sorted(things, key=lambda thing: lot(key, str(thing)))


def lot(key: str, name: str) -> bytes:
    """Return what decides the place of ``name`` in the order of ``key``."""
    return hashlib.blake2b(f"{key}\0{name}".encode(), digest_size=8).digest()
