"""What is in a corpus, counted: by cell, by reason of refusal, by origin."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lauter.datasets.mark_columns import IMPORTED, SYNTHETIC_FIELD

CELL = ("dialect", "emotion", "style")
_COLUMNS = (
    "request_id", "language", *CELL, "text", "speaker", "text_source", "text_licence", "teacher",
    "error_kind", "duration_s",
)  # fmt: skip


@dataclass
class CellTally:
    """How a cell fared; ``accepted_s`` are seconds of accepted audio."""

    asked: int = 0
    spoken: int = 0
    accepted: int = 0
    accepted_s: float = 0.0


class CorpusTally:
    """Counts that grow batch by batch; memory grows with the kinds counted, not with the rows."""

    def __init__(self, schema: pa.Schema) -> None:
        fingerprints = [name for name in schema.names if name.endswith("_fingerprint")]
        told = [name for name in (SYNTHETIC_FIELD.name,) if name in schema.names]
        self.columns = [*_COLUMNS, *told, *fingerprints]
        """What ``add`` wants to see, beside ``accepted`` and ``failed_gates``."""
        self.cells: defaultdict[tuple[str, ...], CellTally] = defaultdict(CellTally)
        self.refused: Counter[tuple[str, str]] = Counter()
        """Rejected rows by gate and its reason; a row counts at each gate that it failed."""
        self.errors: Counter[str] = Counter()
        self.unjudged = 0
        """Rows that were spoken after the last judging."""
        self.left_out: Counter[str] = Counter()
        """Rows by speaker that the export leaves out because their voice may not be used."""
        self.texts: Counter[tuple[str, str]] = Counter()
        """Exported rows by source and licence of their text."""
        self.speakers: Counter[str] = Counter()
        """Exported rows by speaker."""
        self.languages: Counter[str] = Counter()
        """Exported rows by language."""
        self.teachers: Counter[str] = Counter()
        """Exported rows by teacher."""
        self.elsewhere = 0
        """Exported rows that were imported, or edited from imported ones."""
        self.fingerprints: dict[str, set[str]] = {name: set() for name in fingerprints}
        """Of teachers and scorers, those that exported rows were made and measured with."""

    @property
    def total(self) -> CellTally:
        """All cells together."""
        cells = self.cells.values()
        return CellTally(
            sum(cell.asked for cell in cells),
            sum(cell.spoken for cell in cells),
            sum(cell.accepted for cell in cells),
            sum(cell.accepted_s for cell in cells),
        )

    def add(self, batch: pa.RecordBatch, exported: pa.BooleanArray) -> None:
        """Count the rows of ``batch``, which have the tally's columns and verdicts.

        ``exported`` says which of them the export takes.
        """
        table = pa.Table.from_batches([batch])
        taken = table.filter(exported)
        table = table.append_column("spoken", pc.is_null(table["error_kind"]))
        accepted = table.filter(table["accepted"])
        self.unjudged += table.filter(table["spoken"])["accepted"].null_count
        for *cell, asked, spoken in _counts(table, [*CELL], [("spoken", "sum")]):
            self.cells[tuple(cell)].asked += asked
            self.cells[tuple(cell)].spoken += spoken
        for *cell, count, seconds in _counts(accepted, [*CELL], [("duration_s", "sum")]):
            self.cells[tuple(cell)].accepted += count
            self.cells[tuple(cell)].accepted_s += seconds
        for source, licence, count in _counts(taken, ["text_source", "text_licence"]):
            self.texts[source, licence] += count
        for counter, rows, name in (
            (self.speakers, taken, "speaker"),
            (self.languages, taken, "language"),
            (self.teachers, taken, "teacher"),
            (self.errors, table.filter(pc.invert(table["spoken"])), "error_kind"),
        ):
            for value, count in _counts(rows, [name]):
                counter[value] += count
        is_found = pc.equal(taken["teacher"], IMPORTED)
        if SYNTHETIC_FIELD.name in taken.column_names:
            is_found = pc.or_(is_found, pc.is_valid(taken[SYNTHETIC_FIELD.name]))
        self.elsewhere += pc.sum(is_found).as_py() or 0
        failed = pc.list_flatten(table["failed_gates"]).combine_chunks()
        gates = pa.table({name: failed.field(name) for name in ("gate", "reason")})
        for gate, reason, count in _counts(gates, ["gate", "reason"]):
            self.refused[gate, reason] += count
        for name, values in self.fingerprints.items():
            values.update(pc.unique(taken[name].drop_null()).to_pylist())

    def leave_out(self, batch: pa.RecordBatch) -> None:
        """Count rows that would be exported if their voice might be used."""
        self.left_out.update(batch["speaker"].to_pylist())


def _counts(
    table: pa.Table, by: list[str], sums: list[tuple[str, str]] | None = None
) -> list[tuple[Any, ...]]:
    """Return the groups of ``table``: their keys, how many rows each has, and sums over them."""
    counted = table.group_by(by).aggregate([([], "count_all"), *(sums or [])])
    names = [*by, "count_all", *(f"{name}_{kind}" for name, kind in sums or [])]
    return list(zip(*(counted[name].to_pylist() for name in names), strict=True))
