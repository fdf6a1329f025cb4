"""What the audit page shows, gathered from a corpus.

Score columns are read whole; audio is read only for the few utterances that can be played.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from lauter.datasets.corpus import Corpus
from lauter.filters.policy import Gate, Policy
from lauter.pipelines.summary import Summary, summarise

SHOWN_FIGURES = (
    "duration_s", "cer", "wer", "speaker_similarity", "mos", "speech_ratio",
    "characters_per_second", "emotion_margin", "speed_margin",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PlayableUtterance:
    """One utterance that the page can play."""

    row: dict[str, Any]
    audio: bytes

    @property
    def figures(self) -> dict[str, float]:
        """The figures shown beside it."""
        return {name: self.row[name] for name in SHOWN_FIGURES if self.row.get(name) is not None}


@dataclass(frozen=True, slots=True)
class Distribution:
    """The figures of one gated score, for accepted and rejected utterances."""

    gate: Gate
    accepted: list[float]
    rejected: list[float]


@dataclass(frozen=True)
class AuditFacts:
    """All that the page shows."""

    summary: Summary
    accepted: list[PlayableUtterance]
    rejected: dict[str, list[PlayableUtterance]]
    distributions: list[Distribution]
    failures: list[dict[str, Any]]
    voices: list[dict[str, Any]]
    policy: Policy
    fingerprints: dict[str, list[str]]


def gather(corpus: Corpus, policy: Policy, samples: int, seed: int = 0) -> AuditFacts:
    """Read ``corpus`` under ``policy``; play ``samples`` utterances a language or gate."""
    unread = ("audio", "codes", "audio_fingerprint", "speaker_embedding")
    columns = [name for name in corpus.schema.names if name not in unread]
    batches = list(corpus.scan_judged(columns, policy=policy.digest))
    rows = pa.Table.from_batches(batches).to_pylist() if batches else []
    chance = random.Random(seed)
    rows.sort(key=lambda row: row["request_id"])
    spoken = [row for row in rows if row["error_kind"] is None]
    accepted = _some_of_each([row for row in spoken if row["accepted"]], "dialect", samples, chance)
    by_gate: dict[str, list[dict[str, Any]]] = {}
    for row in spoken:
        for failed in row["failed_gates"] or ():
            by_gate.setdefault(failed["gate"], []).append(row)
    rejected = {
        gate: chance.sample(found, min(samples, len(found)))
        for gate, found in sorted(by_gate.items(), key=lambda item: -len(item[1]))
    }
    played = {r["request_id"]: r for r in [*accepted, *(r for g in rejected.values() for r in g)]}
    audio = _audio_of(corpus, list(played))
    return AuditFacts(
        summary=summarise(corpus, policy.digest),
        accepted=[PlayableUtterance(row, audio[row["request_id"]]) for row in accepted],
        rejected={
            gate: [PlayableUtterance(row, audio[row["request_id"]]) for row in found]
            for gate, found in rejected.items()
        },
        distributions=_distributions(policy, spoken),
        failures=[row for row in rows if row["error_kind"] is not None][:50],
        voices=corpus.voices().drop_columns(["reference_audio"]).to_pylist(),
        policy=policy,
        fingerprints={
            name: sorted({str(row[name]) for row in rows if row[name]})
            for name in columns
            if name.endswith("_fingerprint")
        },
    )


def interval(successes: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share."""
    if not trials:
        return 0.0, 1.0
    share = successes / trials
    middle = share + z * z / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def _some_of_each(
    rows: Sequence[dict[str, Any]], column: str, count: int, chance: random.Random
) -> list[dict[str, Any]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row[column], []).append(row)
    return [
        row
        for _, found in sorted(groups.items())
        for row in chance.sample(found, min(count, len(found)))
    ]


def _audio_of(corpus: Corpus, request_ids: list[str]) -> dict[str, bytes]:
    if not request_ids:
        return {}
    audio = corpus.take(request_ids, ["audio"])["audio"].to_pylist()
    return dict(zip(request_ids, audio, strict=True))


def _distributions(policy: Policy, spoken: Sequence[dict[str, Any]]) -> list[Distribution]:
    distributions: list[Distribution] = []
    for gate in policy.gates:
        figures = [
            (row[gate.score], row["accepted"])
            for row in spoken
            if isinstance(row.get(gate.score), (int, float))
        ]
        if figures and not any(known.gate.score == gate.score for known in distributions):
            distributions.append(
                Distribution(
                    gate,
                    [figure for figure, accepted in figures if accepted],
                    [figure for figure, accepted in figures if not accepted],
                )
            )
    return distributions
