"""What a corpus amounts to: counts by cell, reasons of rejection, hours, speed and cost.

Pure functions of a corpus's columns; the command line, the report and the data card show them.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa

from lauter.datasets.corpus import Corpus

SUMMARY_COLUMNS = (
    "request_id",
    "language",
    "dialect",
    "emotion",
    "duration_s",
    "wall_s",
    "device_s",
    "error_kind",
)


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

    ``stage_seconds`` is core time by teacher and scorer. ``real_time_factor`` is teacher seconds
    over seconds of speech.
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

    @property
    def real_time_factor(self) -> float:
        """Seconds of the teacher's time for a second of speech."""
        return self.stage_seconds.get("speak", 0.0) / self.spoken_s if self.spoken_s else 0.0

    @property
    def binding_stage(self) -> str:
        """The stage that took most of the time."""
        return max(self.stage_seconds, key=lambda name: self.stage_seconds[name], default="")

    def cost(self, price_per_core_hour: float) -> float:
        """What the core time cost."""
        return sum(self.stage_seconds.values()) / 3600.0 * price_per_core_hour

    def cost_per_accepted_hour(self, price_per_core_hour: float) -> float | None:
        """Cost over hours of accepted speech; None where nothing was accepted."""
        hours = self.accepted_s / 3600.0
        return self.cost(price_per_core_hour) / hours if hours else None

    def as_dict(self) -> dict[str, Any]:
        """Return the figures for ``run.json``."""
        return asdict(self) | {
            "real_time_factor": self.real_time_factor,
            "binding_stage": self.binding_stage,
        }


def summarise(corpus: Corpus, policy: str | None = None) -> Summary:
    """Count the whole corpus under a policy's verdicts (None: the latest)."""
    columns = [*SUMMARY_COLUMNS]
    if "scorer_seconds" in corpus.schema.names:
        columns.append("scorer_seconds")
    return summarise_batches(corpus.scan_judged(columns, policy=policy))


def summarise_batches(batches: Iterable[pa.RecordBatch]) -> Summary:
    """Count batches that have ``SUMMARY_COLUMNS``, ``accepted`` and ``failed_gates``."""
    asked: Counter[tuple[str, str, str]] = Counter()
    spoken: Counter[tuple[str, str, str]] = Counter()
    accepted: Counter[tuple[str, str, str]] = Counter()
    rejections: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    spoken_s = accepted_s = 0.0
    for batch in batches:
        for row in batch.to_pylist():
            cell = (row["language"], row["dialect"], row["emotion"])
            asked[cell] += 1
            seconds["speak"] += row["wall_s"]
            for share in row.get("scorer_seconds") or ():
                seconds[share["scorer"]] += share["seconds"]
            if row["error_kind"] is None:
                spoken[cell] += 1
                spoken_s += row["duration_s"]
            else:
                errors[row["error_kind"]] += 1
            if row["accepted"]:
                accepted[cell] += 1
                accepted_s += row["duration_s"]
            for failed in row["failed_gates"] or ():
                rejections[failed["gate"]] += 1
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
    )
