"""What the audit page shows, gathered from a corpus.

Columns are read in two passes with bounded memory; audio is read only for what can be played.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from lauter.datasets.corpus import Corpus
from lauter.datasets.marked_rows import Marker
from lauter.filters.policy import TAG_COLUMNS, Gate, Policy
from lauter.orchestration.audit.alignment import Piece, aligned
from lauter.orchestration.audit.distributions import Distributions, Panel
from lauter.orchestration.audit.intervals import Share
from lauter.orchestration.audit.tally import AXES, Chosen, Rejection, Tally
from lauter.orchestration.run_record import fingerprint_columns, runs_of
from lauter.pipelines.summary import Summary, summarise

_NOT_FIGURES = ("wall_s", "device_s")


@dataclass(frozen=True, slots=True)
class PlayableUtterance:
    """One utterance that the page can play, with what was asked against what was heard."""

    row: dict[str, Any]
    failed_gates: tuple[dict[str, Any], ...]
    compared: list[Piece]

    @property
    def figures(self) -> dict[str, float]:
        """Its measured figures; what is not applicable is left out."""
        return {
            name: value
            for name, value in self.row.items()
            if isinstance(value, float) and name not in _NOT_FIGURES
        }


@dataclass(frozen=True)
class AuditFacts:
    """All that the page shows."""

    summary: Summary
    unjudged: int
    axes: dict[str, list[tuple[str, Share]]]
    rejections: list[Rejection]
    distributions: list[tuple[Gate, list[Panel]]]
    accepted: dict[str, list[PlayableUtterance]]
    rejected: dict[str, list[PlayableUtterance]]
    failures: list[dict[str, Any]]
    voices: list[dict[str, Any]]
    policy: Policy
    made_with: dict[str, list[str]]
    runs: list[dict[str, Any]]


def gather(corpus: Corpus, policy: Policy, samples: int) -> AuditFacts:
    """Read ``corpus`` under ``policy``; ``samples`` utterances of a dialect or gate are played."""
    names = corpus.schema.names
    made_with = ["teacher", "seed", *fingerprint_columns(corpus.schema)]
    scores = [name for name in policy.scores if name in names]
    tags = [name for name in TAG_COLUMNS if name in names]
    columns = ["request_id", *tags, "error_kind", *made_with, *scores]
    tally, distributions = Tally(samples, made_with), Distributions(policy, names)
    for batch in corpus.scan_judged(list(dict.fromkeys(columns)), policy=policy.digest):
        tally.add(batch)
        distributions.add(batch)
    accepted, rejected = tally.accepted(), tally.rejected()
    chosen = [one for group in (accepted, rejected) for one in _all(group)]
    playable = _playable(corpus, policy.digest, chosen)
    failed = [one.request_id for one in tally.failures.chosen]
    told = ["request_id", "text", "language", "dialect", "speaker", "error_kind", "error"]
    return AuditFacts(
        summary=summarise(corpus, policy.digest),
        unjudged=tally.unjudged,
        axes={axis: tally.shares(axis) for axis in AXES},
        rejections=tally.rejections(policy),
        distributions=distributions.panels(),
        accepted={k: [playable[one.request_id] for one in group] for k, group in accepted.items()},
        rejected={k: [playable[one.request_id] for one in group] for k, group in rejected.items()},
        failures=corpus.take(failed, told).to_pylist() if failed else [],
        voices=corpus.voices().drop_columns(["reference_audio"]).to_pylist(),
        policy=policy,
        made_with={name: sorted(values) for name, values in tally.made_with.items()},
        runs=runs_of(corpus.path),
    )


def _all(groups: dict[str, list[Chosen]]) -> Iterable[Chosen]:
    return (one for group in groups.values() for one in group)


def _playable(corpus: Corpus, policy: str, chosen: list[Chosen]) -> dict[str, PlayableUtterance]:
    if not chosen:
        return {}
    shown = (pa.types.is_string, pa.types.is_floating, pa.types.is_integer)
    columns = [f.name for f in corpus.schema if any(kind(f.type) for kind in shown)]
    ids = [one.request_id for one in chosen]
    rows = corpus.take(ids, [*columns, "audio"]).to_pylist()
    marker = Marker.of(corpus, policy)
    return {
        one.request_id: PlayableUtterance(
            row | {"audio": marker.audible(row)},
            one.failed_gates,
            aligned(row["text"], row.get("transcript"), row["language"]),
        )
        for one, row in zip(chosen, rows, strict=True)
    }
