"""What speech cost: device time by stage and cell, and its price.

A row keeps what each stage spent on it: the worker that spoke (or waited for servers), the devices
of the servers, the decoder, each scorer. A **stage** here is one of these; its price is that of an
hour of the device it runs on.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa

from lauter.datasets.records import DECODE_FIELD, SERVER_ATTEMPTS_FIELD
from lauter.teacher.attempts import IN_PROCESS

SPEAK: Final = "speak"
"""The worker that spoke, or that waited for servers; without the teacher's part of it."""
TEACHER: Final = "teacher"
"""The devices of the servers that were asked, or of the model in the worker itself."""
DECODE: Final = "decode"

COST_COLUMNS: Final = ("wall_s", "device_s", "duration_s")
OPTIONAL_COST_COLUMNS: Final = ("scorer_seconds", DECODE_FIELD.name, SERVER_ATTEMPTS_FIELD.name)


@dataclass(frozen=True)
class Prices:
    """What an hour costs: of the stages that are named, and of a core for all others.

    ``devices`` names the stages that run on accelerators, whose hours are counted apart.
    """

    per_core_hour: float = 0.05
    by_stage: Mapping[str, float] = field(default_factory=dict)
    devices: frozenset[str] = frozenset({TEACHER})
    currency: str = "USD"

    def of(self, seconds: Mapping[str, float]) -> float:
        """Return the price of stages' seconds."""
        return sum(
            spent / 3600 * self.by_stage.get(stage, self.per_core_hour)
            for stage, spent in seconds.items()
        )

    def device_hours(self, seconds: Mapping[str, float]) -> float:
        """Return the hours of accelerators among stages' seconds."""
        return sum(spent for stage, spent in seconds.items() if stage in self.devices) / 3600


def seconds_of(row: Mapping[str, Any]) -> dict[str, float]:
    """Return what each stage spent on a row that has ``COST_COLUMNS``, and those optional ones."""
    seconds = {SPEAK: row["wall_s"] or 0.0}
    if attempts := row.get(SERVER_ATTEMPTS_FIELD.name):
        seconds[TEACHER] = row["device_s"] or 0.0
        if attempts[-1]["server"] == IN_PROCESS:
            # The worker itself ran the model: its time is not paid twice.
            seconds[SPEAK] = max(0.0, seconds[SPEAK] - seconds[TEACHER])
    if row.get(DECODE_FIELD.name):
        seconds[DECODE] = row[DECODE_FIELD.name]
    for share in row.get("scorer_seconds") or ():
        seconds[share["scorer"]] = seconds.get(share["scorer"], 0.0) + share["seconds"]
    return seconds


@dataclass
class Spent:
    """A sum of rows: how many, how many accepted, seconds by stage and of accepted speech."""

    asked: int = 0
    spoken: int = 0
    accepted: int = 0
    accepted_s: float = 0.0
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def add(self, row: Mapping[str, Any]) -> None:
        """Take in a row with its verdict."""
        self.asked += 1
        self.spoken += row["error_kind"] is None
        if row["accepted"]:
            self.accepted += 1
            self.accepted_s += row["duration_s"]
        for stage, spent in seconds_of(row).items():
            self.seconds[stage] += spent

    def __add__(self, other: "Spent") -> "Spent":
        """Return the sum of both."""
        seconds = defaultdict(float, self.seconds)
        for stage, spent in other.seconds.items():
            seconds[stage] += spent
        return Spent(
            self.asked + other.asked,
            self.spoken + other.spoken,
            self.accepted + other.accepted,
            self.accepted_s + other.accepted_s,
            seconds,
        )

    def as_dict(self, prices: Prices) -> dict[str, Any]:
        """Return the figures for ``run.json``."""
        hours = self.accepted_s / 3600
        devices = prices.device_hours(self.seconds)
        total = prices.of(self.seconds)
        return {
            "asked": self.asked,
            "spoken": self.spoken,
            "accepted": self.accepted,
            "accepted_hours": hours,
            "seconds": dict(self.seconds),
            "device_hours": devices,
            "price": total,
            "device_hours_per_accepted_hour": devices / hours if hours else None,
            "price_per_accepted_hour": total / hours if hours else None,
        }


def cost_columns(schema: pa.Schema) -> list[str]:
    """Return the columns of a corpus that say what its rows cost."""
    return [*COST_COLUMNS, *(name for name in OPTIONAL_COST_COLUMNS if name in schema.names)]
