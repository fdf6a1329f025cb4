"""What a teacher would have said at each place of a stream: its likeliest entries, compressed.

A place is one code of ``L L S S S``, or the end of the turn after the last one (slot 0). For each
are kept the likeliest entries among those legal there, their probabilities, and the mass of all
others, the tail. One stream is one value of the column ``top_logits``: bytes that cost about
``4 + 1.8 k`` a place: 19 at k = 8, 33 at 16, 62 at 32, 95 at 50 and 238 at 128 (the answers
of a `tiny` teacher after 200 steps for 30 spoken phrases; the made-up one of the tests costs the
same). DistillKit needs 114 at k = 50 and 300 at 128. Three quarters of it are the entries' numbers.
Where a teacher is sure, ``cut`` keeps fewer than k, and a place costs 4 bytes at least; that unsure
one was cut by 1 % at a mass of 0.99 (k = 32), by 8 % at 0.95. One core unpacks about 100,000 places
a second at k = 50.

What is exact, and what is not:

- entries and their order are exact;
- log-probabilities fall in steps of 1/16, counted from place to place without drift: each is off
  by at most 1/16 nat (6.5 %) and by 0.02 nat in the mean; what is 256 steps or more below the
  place's likeliest entry goes into the tail;
- the tail is kept as log-odds of tail against named, from -16 to 16 in steps of 1/2047: off by at
  most 1/4000 of itself; no tail, and nothing but tail, are exact;
- named and tail add up to 1.

The bytes, little-endian, all planes byte-aligned: ``TOP1``; places, uint32; entries named at each
place, uint8; the tail's log-odds at each place, uint16; then of all entries, likeliest first in
each place, the numbers in slots 0 and 1 (11 bits each, the end being 1024) and those in slots 2 to
4 (12 bits); of every entry but a place's first the fall from the one before, in steps: its two low
bits, then the rest in unary (as many zeros, and a one); CRC-32 of all that, uint32.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lauter.datasets.codes import GROUP, LINGUISTIC_ENTRIES, LINGUISTIC_PER_GROUP, SEMANTIC_ENTRIES
from lauter.datasets.errors import UsageError

END_ENTRY: Final = LINGUISTIC_ENTRIES
"""The end of the turn, as an entry of slot 0."""
MOST_NAMED: Final = 255

_MAGIC = b"TOP1"
_LINGUISTIC_BITS, _SEMANTIC_BITS, _LOW_BITS = 11, 12, 2
_STEPS_PER_NAT = 16
_GREATEST_FALL = 255
_ODDS_PER_NAT, _GREATEST_ODDS = 2047, 16
_NO_TAIL, _MIDDLE_ODDS, _ALL_TAIL = 0, 1 << 15, (1 << 16) - 1


class InvalidTopLogitsError(UsageError):
    """Bytes that are no compressed logits, or logits that no teacher could have given."""


@dataclass(frozen=True, slots=True)
class TopLogits:
    """The likeliest entries of each place of a stream, by probability, and the mass of the others.

    ``entries`` int16 ``[places, k]`` count within the slot's book (the end is 1024); -1 after a
    place's last one. ``log_probabilities`` float32 ``[places, k]``, falling, minus infinity after
    the last one; ``tail`` float32 ``[places]``.
    """

    entries: NDArray[np.int16]
    log_probabilities: NDArray[np.float32]
    tail: NDArray[np.float32]

    @property
    def places(self) -> int:
        """How many places there are."""
        return len(self.tail)


def concatenate(streams: Sequence[TopLogits]) -> TopLogits:
    """Return the places of several streams as those of one, as wide as the widest."""
    if not streams:
        nothing = np.empty((0, 0), np.int16)
        return TopLogits(nothing, nothing.astype(np.float32), np.empty(0, np.float32))
    most = max(stream.entries.shape[1] for stream in streams)
    wide = [((0, 0), (0, most - stream.entries.shape[1])) for stream in streams]
    pairs = list(zip(streams, wide, strict=True))
    return TopLogits(
        np.concatenate([np.pad(s.entries, w, constant_values=-1) for s, w in pairs]),
        np.concatenate([np.pad(s.log_probabilities, w, constant_values=-np.inf) for s, w in pairs]),
        np.concatenate([stream.tail for stream in streams]),
    )


def cut(top: TopLogits, mass: float) -> TopLogits:
    """Return the fewest likeliest entries of each place that have ``mass`` together.

    Those left out go into the tail. Where all together have less, all are kept.
    """
    masses = np.exp(top.log_probabilities.astype(np.float64))
    kept = (np.cumsum(masses, axis=1) - masses < mass) & (top.entries >= 0)
    return _kept(top, kept)


def _kept(top: TopLogits, kept: NDArray[np.bool_]) -> TopLogits:
    """Return a stream in which only the ``kept`` entries, the first of each place, are named."""
    masses = np.exp(top.log_probabilities.astype(np.float64))
    moved = np.where(kept, 0, masses).sum(1)
    most = int(kept.sum(1).max(initial=0))
    return TopLogits(
        np.where(kept, top.entries, np.int16(-1))[:, :most],
        np.where(kept, top.log_probabilities, np.float32(-np.inf))[:, :most],
        (top.tail + moved).astype(np.float32),
    )


def compress(top: TopLogits) -> bytes:
    """Return a stream as bytes.

    Raises ``InvalidTopLogitsError`` for entries that their slots do not have, or that do not stand
    by probability.
    """
    _check(top)
    best = top.log_probabilities[:, :1].astype(np.float64)
    with np.errstate(invalid="ignore"):
        falls = np.rint((best - top.log_probabilities) * _STEPS_PER_NAT)
    # Also False where nothing is named (infinity less infinity), or nothing has any mass.
    top = _kept(top, (top.entries >= 0) & (falls <= _GREATEST_FALL))
    is_named = top.entries >= 0
    falls = np.where(is_named, falls[:, : is_named.shape[1]], 0).astype(np.int64)
    drops = np.diff(falls, axis=1)[is_named[:, 1:]]
    named = top.entries.astype(np.int64)
    is_linguistic = _is_linguistic(top.places)
    body: bytes = b"".join(
        (
            _MAGIC,
            top.places.to_bytes(4, "little"),
            is_named.sum(1).astype(np.uint8).tobytes(),
            _odds(top).astype("<u2").tobytes(),
            _packed(named[is_linguistic][is_named[is_linguistic]], _LINGUISTIC_BITS),
            _packed(named[~is_linguistic][is_named[~is_linguistic]], _SEMANTIC_BITS),
            _packed(drops & ((1 << _LOW_BITS) - 1), _LOW_BITS),
            _unary(drops >> _LOW_BITS),
        )
    )
    return body + zlib.crc32(body).to_bytes(4, "little")


def _check(top: TopLogits) -> None:
    places, k = top.entries.shape
    if k > MOST_NAMED:
        raise InvalidTopLogitsError(f"{k} entries a place are too many; keep {MOST_NAMED} at most")
    is_named = top.entries >= 0
    slots = np.arange(places) % GROUP
    legal = np.where(slots < LINGUISTIC_PER_GROUP, LINGUISTIC_ENTRIES, SEMANTIC_ENTRIES)
    legal += slots == 0
    wrong = np.flatnonzero((top.entries >= legal[:, None]).any(1))
    if len(wrong):
        raise InvalidTopLogitsError(
            f"place {wrong[0]} names the entry {top.entries[wrong[0]].max()}, and its slot has "
            f"{legal[wrong[0]]}; the logits belong to another codec or another place"
        )
    logs = np.where(is_named, top.log_probabilities, -np.inf)
    out_of_order = (logs[:, 1:] > logs[:, :-1]) | (is_named[:, 1:] & ~is_named[:, :-1])
    wrong = np.flatnonzero(out_of_order.any(1) | np.isnan(logs).any(1) | ~(top.tail >= 0))
    if len(wrong):
        raise InvalidTopLogitsError(
            f"the entries of place {wrong[0]} are not sorted by probability, or their "
            "probabilities are no numbers"
        )


def _is_linguistic(places: int) -> NDArray[np.bool_]:
    return np.arange(places) % GROUP < LINGUISTIC_PER_GROUP


def _odds(top: TopLogits) -> NDArray[np.int64]:
    """Return the log-odds of tail against named, as they are kept."""
    named = np.exp(top.log_probabilities.astype(np.float64)).sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        nats = np.log(top.tail.astype(np.float64)) - np.log(named)
        steps = np.clip(np.rint(nats * _ODDS_PER_NAT), -_LIMIT, _LIMIT)
    steps = np.where(named == 0, _ALL_TAIL, np.where(top.tail == 0, _NO_TAIL, steps + _MIDDLE_ODDS))
    return steps.astype(np.int64)


_LIMIT = _GREATEST_ODDS * _ODDS_PER_NAT


def _packed(values: NDArray[np.int64], bits: int) -> bytes:
    """Return numbers of so many bits each, the greatest bit first."""
    shifts = np.arange(bits - 1, -1, -1)
    return np.packbits((values[:, None] >> shifts & 1).astype(np.uint8)).tobytes()


def _unary(values: NDArray[np.int64]) -> bytes:
    """Return each number as that many zeros and a one."""
    ends = np.cumsum(values + 1)
    line = np.zeros(int(ends[-1]) if len(ends) else 0, np.uint8)
    line[ends - 1] = 1
    return np.packbits(line).tobytes()


def decompress(data: bytes, name: str = "a stream") -> TopLogits:
    """Return the logits that ``compress`` made bytes of.

    Raises ``InvalidTopLogitsError`` for damaged bytes, and names the stream.
    """
    if data[: len(_MAGIC)] != _MAGIC or len(data) < len(_MAGIC) + 8:
        raise InvalidTopLogitsError(
            f"the top_logits of {name} are no compressed logits of this version; "
            "run `lauter teach` again"
        )
    body, crc = data[:-4], int.from_bytes(data[-4:], "little")
    if zlib.crc32(body) != crc:
        raise InvalidTopLogitsError(
            f"the top_logits of {name} are damaged (their checksum differs); copy the data again, "
            "or run `lauter teach` again"
        )
    reader = _Planes(body, len(_MAGIC))
    places = int(reader.numbers("<u4", 1)[0])
    counts = reader.numbers("<u1", places).astype(np.int64)
    odds = reader.numbers("<u2", places)
    is_linguistic = _is_linguistic(places)
    is_named = np.arange(counts.max(initial=0)) < counts[:, None]
    entries = np.full(is_named.shape, -1, np.int16)
    for rows, bits in ((is_linguistic, _LINGUISTIC_BITS), (~is_linguistic, _SEMANTIC_BITS)):
        read = reader.packed(int(counts[rows].sum()), bits)
        entries[is_named & rows[:, None]] = read
    follows = is_named & (np.arange(is_named.shape[1]) > 0)
    low = reader.packed(int(follows.sum()), _LOW_BITS)
    drops = np.zeros(is_named.shape, np.int64)
    drops[follows] = low + (reader.unary(int(follows.sum())) << _LOW_BITS)
    logs = np.where(is_named, -np.cumsum(drops, axis=1) / _STEPS_PER_NAT, -np.inf)
    nats = (odds.astype(np.float64) - _MIDDLE_ODDS) / _ODDS_PER_NAT
    tail = np.where(odds == _NO_TAIL, 0, np.where(odds == _ALL_TAIL, 1, 1 / (1 + np.exp(-nats))))
    # Where nothing is named there is nothing to spread, and infinity less infinity is struck out.
    with np.errstate(divide="ignore", invalid="ignore"):
        of_named = np.where(odds == _NO_TAIL, 0, -np.logaddexp(0, nats))
        logs += (of_named - np.log(np.exp(logs).sum(1)))[:, None]
    logs[~is_named] = -np.inf
    return TopLogits(entries, logs.astype(np.float32), tail.astype(np.float32))


class _Planes:
    """Reads the planes of a body one after the other; their checksum has been found right."""

    def __init__(self, body: bytes, at: int) -> None:
        self._body = body
        self._at = at

    def numbers(self, kind: str, count: int) -> NDArray[np.int64]:
        read = np.frombuffer(self._body, kind, count, self._at)
        self._at += read.nbytes
        return read.astype(np.int64)

    def packed(self, count: int, bits: int) -> NDArray[np.int64]:
        read = self.numbers("<u1", -(-count * bits // 8)).astype(np.uint8)
        each = np.unpackbits(read, count=count * bits).reshape(count, bits).astype(np.int64)
        return each @ (1 << np.arange(bits - 1, -1, -1))

    def unary(self, count: int) -> NDArray[np.int64]:
        line = np.unpackbits(np.frombuffer(self._body, np.uint8, offset=self._at))
        return np.diff(np.flatnonzero(line), prepend=-1)[:count] - 1
