"""What a corpus amounts to: counts by cell, reasons of rejection, hours, speed and cost.

Pure functions of a corpus's columns; the command line, the report and the data card show them.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import pyarrow as pa

from lauter.datasets.corpus import Corpus
from lauter.datasets.records import SERVER_ATTEMPTS_FIELD
from lauter.filters.catalogue import SCORES
from lauter.filters.policy import parse_policy
from lauter.pipelines.cost import (
    COST_COLUMNS,
    SPEAK,
    TEACHER,
    Prices,
    cost_columns,
    seconds_of,
)
from lauter.pipelines.score import fingerprint_field

SUMMARY_COLUMNS = (
    "request_id", "language", "dialect", "emotion", "error_kind", "error", *COST_COLUMNS
)  # fmt: skip
SHOWN_ERRORS = 3
_MOST_SENTENCES = 10_000
"""So many sentences of failed rows are counted at once; beyond, the rare ones are forgotten."""


@dataclass(frozen=True, slots=True)
class CellCount:
    """How many utterances of a dialect and emotion were asked, spoken and accepted."""

    language: str
    dialect: str
    emotion: str
    asked: int
    spoken: int
    accepted: int

    @property
    def yield_rate(self) -> float:
        """Accepted over asked."""
        return self.accepted / self.asked if self.asked else 0.0


@dataclass(frozen=True)
class Summary:
    """A corpus in figures.

    ``stage_seconds`` is the time of workers and servers' devices by stage (see ``cost.py``):
    seconds in which each, and the core or card it holds, did nothing else. ``servers`` counts what
    came of asking each. ``real_time_factor`` is the teacher's seconds over seconds of speech.
    ``not_measured`` counts spoken rows by scorer that was not asked about them, or failed, although
    the policy reads its figures; ``common_errors`` are what most of the failed rows say, with how
    many do.
    """

    cells: tuple[CellCount, ...]
    rejections: dict[str, int]
    errors: dict[str, int]
    asked: int
    spoken: int
    accepted: int
    spoken_s: float
    accepted_s: float
    stage_seconds: dict[str, float] = field(default_factory=dict)
    not_measured: dict[str, int] = field(default_factory=dict)
    common_errors: dict[str, int] = field(default_factory=dict)
    servers: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def real_time_factor(self) -> float:
        """Seconds of the teacher's time, or of its servers' devices, for a second of speech."""
        spent = self.stage_seconds.get(TEACHER) or self.stage_seconds.get(SPEAK, 0.0)
        return spent / self.spoken_s if self.spoken_s else 0.0

    @property
    def binding_stage(self) -> str:
        """The stage that took most of the time."""
        return max(self.stage_seconds, key=lambda name: self.stage_seconds[name], default="")

    def cost(self, prices: Prices) -> float:
        """What the stages' time cost."""
        return prices.of(self.stage_seconds)

    def cost_per_accepted_hour(self, prices: Prices) -> float | None:
        """Cost over hours of accepted speech; None where nothing was accepted."""
        hours = self.accepted_s / 3600.0
        return self.cost(prices) / hours if hours else None

    def device_hours_per_accepted_hour(self, prices: Prices) -> float | None:
        """Hours of accelerators over hours of accepted speech; None where nothing was accepted."""
        hours = self.accepted_s / 3600.0
        return prices.device_hours(self.stage_seconds) / hours if hours else None

    def as_dict(self) -> dict[str, Any]:
        """Return the figures for ``run.json``."""
        return asdict(self) | {
            "real_time_factor": self.real_time_factor,
            "binding_stage": self.binding_stage,
        }


def summarise(corpus: Corpus, policy: str | None = None) -> Summary:
    """Count the whole corpus under a policy's verdicts (None: the latest)."""
    columns = list(dict.fromkeys([*SUMMARY_COLUMNS, *cost_columns(corpus.schema)]))
    summary = summarise_batches(corpus.scan_judged(columns, policy=policy))
    return replace(summary, not_measured=_not_measured(corpus, policy or corpus.policies()[-1]))


def _not_measured(corpus: Corpus, policy: str) -> dict[str, int]:
    read = set(parse_policy(corpus.policy_yaml(policy)).scores)
    asked = "error_kind IS NULL AND stopped_by IS NULL"
    counts = {}
    for scorer, scores in SCORES.items():
        column = fingerprint_field(scorer).name
        if read.intersection(scores):
            known = column in corpus.schema.names
            counts[scorer] = corpus.count(f"{asked} AND {column} IS NULL" if known else asked)
    return {scorer: count for scorer, count in counts.items() if count}


def summarise_batches(batches: Iterable[pa.RecordBatch]) -> Summary:
    """Count batches that have ``SUMMARY_COLUMNS``, ``accepted`` and ``failed_gates``."""
    asked: Counter[tuple[str, str, str]] = Counter()
    spoken: Counter[tuple[str, str, str]] = Counter()
    accepted: Counter[tuple[str, str, str]] = Counter()
    rejections: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    sentences: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    servers: defaultdict[str, Counter[str]] = defaultdict(Counter)
    spoken_s = accepted_s = 0.0
    for batch in batches:
        for row in batch.to_pylist():
            cell = (row["language"], row["dialect"], row["emotion"])
            asked[cell] += 1
            seconds.update(seconds_of(row))
            for attempt in row.get(SERVER_ATTEMPTS_FIELD.name) or ():
                servers[attempt["server"]][attempt["outcome"]] += 1
            if row["error_kind"] is None:
                spoken[cell] += 1
                spoken_s += row["duration_s"]
            else:
                errors[row["error_kind"]] += 1
                sentences[row["error"]] += 1
            if row["accepted"]:
                accepted[cell] += 1
                accepted_s += row["duration_s"]
            for failed in row["failed_gates"] or ():
                rejections[failed["gate"]] += 1
        if len(sentences) > _MOST_SENTENCES:
            sentences = Counter(dict(sentences.most_common(_MOST_SENTENCES // 2)))
    return Summary(
        cells=tuple(
            CellCount(*cell, asked[cell], spoken[cell], accepted[cell]) for cell in sorted(asked)
        ),
        rejections=dict(rejections.most_common()),
        errors=dict(errors.most_common()),
        asked=asked.total(),
        spoken=spoken.total(),
        accepted=accepted.total(),
        spoken_s=spoken_s,
        accepted_s=accepted_s,
        stage_seconds=dict(seconds),
        common_errors=dict(sentences.most_common(SHOWN_ERRORS)),
        servers={server: dict(found.most_common()) for server, found in sorted(servers.items())},
    )
