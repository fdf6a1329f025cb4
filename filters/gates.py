"""Gates: scores and a policy in, verdicts out. Pure; no model, no I/O.

A verdict names every gate that failed, not only the first, with the figure and the threshold.
Rows are judged in columns: each gate is a few Arrow comparisons over all rows, and reasons are
written only for the rows that fail.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lauter.datasets.records import CELL_COLUMNS, FAILED_GATE, VERDICT_SCHEMA
from lauter.filters.policy import MEASURED, SPOKEN, Bounds, Gate, Policy
from lauter.filters.protocol import Sample


@dataclass(frozen=True, slots=True)
class Stop:
    """A gate that is asked while scoring, to spare the dearer scorers."""

    rule: Gate

    @property
    def gate(self) -> str:
        """The gate's name."""
        return self.rule.name

    def fails(self, sample: Sample) -> bool:
        """Return whether what is known of the sample so far fails the gate."""
        figure = sample.scores.get(self.rule.score)
        if figure is None:
            return False
        prompt = sample.request.prompt
        bounds = self.rule.bounds_for({name: getattr(prompt, name) for name in CELL_COLUMNS})
        return bounds is not None and bounds.missed(figure) is not None


def stopping_gates(policy: Policy) -> tuple[Stop, ...]:
    """Return the gates of ``policy`` that spare the dearer scorers."""
    return tuple(Stop(gate) for gate in policy.gates if gate.stop and not gate.absent)


@dataclass(frozen=True, slots=True)
class _Failures:
    """The rows that fail one gate: positions, figures, thresholds, one reason or one a row."""

    gate: str
    score: str
    rows: NDArray[np.int64]
    figures: pa.Array
    thresholds: pa.Array
    reasons: pa.Array


def judge(scores: pa.Table, policy: Policy) -> pa.Table:
    """Return ``VERDICT_SCHEMA``: one row for each of ``scores``, in its order.

    ``scores`` has ``request_id``, the columns of ``CELL_COLUMNS`` that the policy distinguishes
    by, and the score columns; one that is missing is not applicable to any row.
    """
    failures = [_unspoken(scores), _unmeasured(scores)]
    failures += [_failures(gate, scores) for gate in policy.gates]
    count = scores.num_rows
    failed = [found for found in failures if len(found.rows)]
    failed_gates = _listed(failed, count)
    accepted = np.ones(count, dtype=bool)
    for found in failed:
        accepted[found.rows] = False
    return pa.Table.from_arrays(
        [
            scores["request_id"],
            pa.repeat(policy.digest, count),
            pa.array(accepted),
            failed_gates,
        ],
        schema=VERDICT_SCHEMA,
    )


def judge_row(row: Mapping[str, Any], policy: Policy) -> dict[str, Any]:
    """Judge one row, slowly: the reference that ``judge`` is held against."""
    failed = []
    if row.get("error_kind") is not None:
        failed.append(_failed(SPOKEN, "error_kind", None, None, row.get("error")))
    if errors := row.get("score_errors"):
        failed.append(_failed(MEASURED, "score_errors", None, None, _told(errors)))
    for gate in policy.gates:
        figure = row.get(gate.score)
        bounds = gate.bounds_for(row)
        if bounds is None:
            continue
        if gate.absent:
            if figure is not None:
                failed.append(_failed(gate.name, gate.score, None, None, gate.reason))
        elif figure is None:
            if gate.required and _was_measurable(row):
                failed.append(_failed(gate.name, gate.score, None, None, gate.reason))
        elif (missed := bounds.missed(figure)) is not None:
            failed.append(_failed(gate.name, gate.score, float(figure), missed, gate.reason))
    return {
        "request_id": row["request_id"],
        "policy": policy.digest,
        "accepted": not failed,
        "failed_gates": failed,
    }


def _failed(
    gate: str, score: str, figure: float | None, threshold: float | None, reason: str | None
) -> dict[str, Any]:
    return {
        "gate": gate,
        "score": score,
        "figure": figure,
        "threshold": threshold,
        "reason": reason,
    }


def _was_measurable(row: Mapping[str, Any]) -> bool:
    return row.get("error_kind") is None and row.get("stopped_by") is None


def _told(errors: list[dict[str, str]]) -> str:
    return "; ".join(f"{error['scorer']} failed: {error['error']}" for error in errors)


def _column(scores: pa.Table, name: str) -> pa.Array | None:
    if name not in scores.column_names:
        return None
    column = scores[name]
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _unspoken(scores: pa.Table) -> _Failures:
    kinds, errors = _column(scores, "error_kind"), _column(scores, "error")
    if kinds is None or kinds.null_count == len(kinds):
        return _told_failures(
            SPOKEN, "error_kind", np.zeros(0, np.int64), pa.array([], pa.string())
        )
    rows = _positions(pc.is_valid(kinds))
    reasons = errors.take(pa.array(rows)) if errors is not None else kinds.take(pa.array(rows))
    return _told_failures(SPOKEN, "error_kind", rows, reasons)


def _unmeasured(scores: pa.Table) -> _Failures:
    errors = _column(scores, "score_errors")
    if errors is None or errors.null_count == len(errors):
        rows = np.zeros(0, np.int64)
        return _told_failures(MEASURED, "score_errors", rows, pa.array([], pa.string()))
    rows = _positions(pc.fill_null(pc.greater(pc.list_value_length(errors), 0), False))
    told = [_told(found) for found in errors.take(pa.array(rows)).to_pylist()]
    return _told_failures(MEASURED, "score_errors", rows, pa.array(told, pa.string()))


def _told_failures(gate: str, score: str, rows: NDArray[np.int64], reasons: pa.Array) -> _Failures:
    nothing = pa.nulls(len(rows), pa.float64())
    return _Failures(gate, score, rows, nothing, nothing, reasons)


def _failures(gate: Gate, scores: pa.Table) -> _Failures:
    column = _column(scores, gate.score)
    if column is None:
        column = pa.nulls(scores.num_rows, pa.float64())
    missing = pc.is_null(column)
    if gate.absent:
        fails = pc.invert(missing)
    else:
        fails = pc.fill_null(_misses(column, gate.bounds), False)
        for piece in gate.slices:
            inside = _among(scores, piece.column, piece.values)
            if inside is not None:
                other = pc.fill_null(_misses(column, piece.bounds), False)
                fails = pc.if_else(inside, other, fails)
        if gate.required:
            fails = pc.or_(fails, pc.and_(missing, _measurable(scores)))
    for name, values in gate.applies_to.items():
        inside = _among(scores, name, values)
        fails = pc.and_(fails, inside if inside is not None else False)
    rows = _positions(fails)
    reasons = pa.repeat(gate.reason, len(rows))
    if gate.absent or not len(rows):
        return _told_failures(gate.name, gate.score, rows, reasons)
    figures = pc.cast(column.take(pa.array(rows)), pa.float64())
    return _Failures(
        gate.name, gate.score, rows, figures, _missed(gate, scores, rows, figures), reasons
    )


def _misses(column: pa.Array, bounds: Bounds) -> pa.Array:
    """Return where figures miss the bounds; NaN misses every finite one."""
    checks = []
    if np.isfinite(bounds.lower):
        checks.append(pc.invert(pc.greater_equal(column, bounds.lower)))
    if np.isfinite(bounds.upper):
        checks.append(pc.invert(pc.less_equal(column, bounds.upper)))
    if not checks:
        return pa.repeat(False, len(column))
    return checks[0] if len(checks) == 1 else pc.or_(*checks)


def _missed(gate: Gate, scores: pa.Table, rows: NDArray[np.int64], figures: pa.Array) -> pa.Array:
    """Return the bound that each failing row missed; null where it had no figure."""
    count = len(rows)
    lower = np.full(count, gate.bounds.lower)
    upper = np.full(count, gate.bounds.upper)
    for piece in gate.slices:
        inside = _among(scores, piece.column, piece.values)
        if inside is not None:
            chosen = inside.to_numpy(zero_copy_only=False)[rows]
            lower[chosen], upper[chosen] = piece.bounds.lower, piece.bounds.upper
    values = pc.fill_null(figures, np.nan).to_numpy(zero_copy_only=False)
    missed = np.where(~(values >= lower) & np.isfinite(lower), lower, upper)
    return pa.array(missed, mask=figures.is_null().to_numpy(zero_copy_only=False))


def _among(scores: pa.Table, name: str, values: tuple[Any, ...]) -> pa.Array | None:
    column = _column(scores, name)
    if column is None:
        return None
    if len(values) == 1:
        return pc.fill_null(pc.equal(column, pa.scalar(values[0], column.type)), False)
    return pc.is_in(column, value_set=pa.array(values, column.type))


def _measurable(scores: pa.Table) -> pa.Array:
    measurable = pa.repeat(True, scores.num_rows)
    for name in ("error_kind", "stopped_by"):
        column = _column(scores, name)
        if column is not None:
            measurable = pc.and_(measurable, pc.is_null(column))
    return measurable


def _positions(fails: pa.Array) -> NDArray[np.int64]:
    if not fails.true_count:
        return np.zeros(0, dtype=np.int64)
    positions: NDArray[np.int64] = np.flatnonzero(fails.to_numpy(zero_copy_only=False))
    return positions


def _listed(failures: list[_Failures], count: int) -> pa.Array:
    """Return each row's failures as a list, in the policy's order."""
    if not failures:
        empty = pa.array([], FAILED_GATE)
        return pa.ListArray.from_arrays(pa.array(np.zeros(count + 1, np.int32)), empty)
    rows = np.concatenate([found.rows for found in failures])
    # Stable: within a row, gates keep the order in which they stand in the policy.
    order = np.argsort(rows, kind="stable")
    which = np.repeat(np.arange(len(failures)), [len(found.rows) for found in failures])[order]
    indices = pa.array(which.astype(np.int32))
    ordered = pa.array(order)
    columns = [
        pa.array([found.gate for found in failures]).take(indices),
        pa.array([found.score for found in failures]).take(indices),
        pa.concat_arrays([found.figures for found in failures]).take(ordered),
        pa.concat_arrays([found.thresholds for found in failures]).take(ordered),
        pa.concat_arrays([found.reasons.cast(pa.string()) for found in failures]).take(ordered),
    ]
    offsets = np.zeros(count + 1, dtype=np.int32)
    np.cumsum(np.bincount(rows, minlength=count), out=offsets[1:])
    values = pa.StructArray.from_arrays(columns, fields=list(FAILED_GATE))
    return pa.ListArray.from_arrays(pa.array(offsets), values)
