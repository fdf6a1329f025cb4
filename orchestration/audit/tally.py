"""One pass over a corpus: counts along every axis, and the utterances that will be played.

Which utterances those are is no choice of ours: ids are digests, so the smallest ids of a kind are
a fair sample of it, the same one on every run and under every policy.
"""

import bisect
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from lauter.filters.policy import Policy
from lauter.orchestration.audit.intervals import Share

AXES = ("dialect", "emotion", "emotion_level", "style", "speed_level", "speaker")
"""What yields are compared along."""
SHOWN_FAILURES = 50
_SPARE = 8
"""Rejected utterances remembered for each one shown, since another gate may show it first."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """What one gate rejected: how many of those judged, and how many no other gate would have."""

    gate: str
    share: Share
    alone: int
    reason: str


@dataclass(frozen=True, slots=True, order=True)
class Chosen:
    """An utterance to be shown."""

    request_id: str
    failed_gates: tuple[dict[str, Any], ...] = ()


class _Sample:
    """The utterances with the smallest ids."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.chosen: list[Chosen] = []

    def offer(self, request_id: str, failed_gates: Sequence[dict[str, Any]]) -> None:
        full = len(self.chosen) >= self._count
        if self._count and not (full and request_id > self.chosen[-1].request_id):
            found = Chosen(request_id, tuple(failed_gates))
            bisect.insort(self.chosen, found, key=lambda one: one.request_id)
            del self.chosen[self._count :]


class Tally:
    """Counts batch by batch; memory grows with the kinds counted, not with the rows."""

    def __init__(self, samples: int, made_with: Sequence[str]) -> None:
        self.unjudged = 0
        self.made_with: dict[str, set[str]] = {name: set() for name in made_with}
        self.failures = _Sample(SHOWN_FAILURES)
        self._samples = samples
        self._judged = 0
        self._asked: Counter[tuple[str, Any]] = Counter()
        self._kept: Counter[tuple[str, Any]] = Counter()
        self._failed: Counter[str] = Counter()
        self._failed_alone: Counter[str] = Counter()
        self._reasons: dict[str, str] = {}
        self._accepted: defaultdict[str, _Sample] = defaultdict(lambda: _Sample(samples))
        self._rejected: defaultdict[str, _Sample] = defaultdict(lambda: _Sample(samples * _SPARE))

    def add(self, batch: pa.RecordBatch) -> None:
        """Count a batch of judged rows."""
        for name, values in self.made_with.items():
            values.update(str(v) for v in batch[name].unique().to_pylist() if v is not None)
        accepted = batch["accepted"].to_pylist()
        for axis in AXES:
            pairs = list(zip(batch[axis].to_pylist(), accepted, strict=True))
            self._asked.update((axis, value) for value, _ in pairs)
            self._kept.update((axis, value) for value, kept in pairs if kept)
        columns = ("request_id", "dialect", "error_kind", "failed_gates")
        rows = zip(*(batch[name].to_pylist() for name in columns), accepted, strict=True)
        for request_id, dialect, error_kind, gates, kept in rows:
            if kept is None:
                self.unjudged += 1
                continue
            self._judged += 1
            self._count_gates(gates)
            if error_kind is not None:
                self.failures.offer(request_id, gates)
            elif kept:
                self._accepted[dialect].offer(request_id, ())
            else:
                for gate in gates:
                    self._rejected[gate["gate"]].offer(request_id, gates)

    def _count_gates(self, gates: Sequence[dict[str, Any]]) -> None:
        for gate in gates:
            self._failed[gate["gate"]] += 1
            self._failed_alone[gate["gate"]] += len(gates) == 1
            self._reasons.setdefault(gate["gate"], gate["reason"])

    def shares(self, axis: str) -> list[tuple[str, Share]]:
        """Return how many of each value of an axis were accepted, of those asked."""
        values = sorted(value for known, value in self._asked if known == axis)
        return [(str(v), Share(self._kept[axis, v], self._asked[axis, v])) for v in values]

    def rejections(self, policy: Policy) -> list[Rejection]:
        """Return what each gate rejected, the most first."""
        reasons = self._reasons | {gate.name: gate.reason for gate in policy.gates}
        return [
            Rejection(gate, Share(count, self._judged), self._failed_alone[gate], reasons[gate])
            for gate, count in self._failed.most_common()
        ]

    def accepted(self) -> dict[str, list[Chosen]]:
        """Return accepted utterances to play, by dialect."""
        return {dialect: sample.chosen for dialect, sample in sorted(self._accepted.items())}

    def rejected(self) -> dict[str, list[Chosen]]:
        """Return rejected utterances to play, by gate; the rarest gates choose first."""
        shown: set[str] = set()
        by_gate = {}
        for gate, _ in reversed(self._failed.most_common()):
            fresh = [one for one in self._rejected[gate].chosen if one.request_id not in shown]
            by_gate[gate] = fresh[: self._samples]
            shown.update(one.request_id for one in by_gate[gate])
        return {gate: by_gate[gate] for gate in reversed(by_gate) if by_gate[gate]}
