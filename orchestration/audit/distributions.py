"""The figures that each gate compares, apart for each of its slices, which have other bounds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lauter.filters.policy import TAG_COLUMNS, Bounds, Gate, Policy

OTHERWISE = -1
"""The number of the slice of all rows that no slice names."""


@dataclass(frozen=True, eq=False)
class Panel:
    """The figures of one gate in one slice, float64 ``[utterances]``, and the bounds there."""

    label: str
    bounds: Bounds
    accepted: NDArray[np.float64]
    rejected: NDArray[np.float64]

    @property
    def thresholds(self) -> list[float]:
        """The finite bounds."""
        return [b for b in (self.bounds.lower, self.bounds.upper) if math.isfinite(b)]


@dataclass
class _Figures:
    accepted: list[NDArray[np.float64]] = field(default_factory=list)
    rejected: list[NDArray[np.float64]] = field(default_factory=list)


class Distributions:
    """Collects figures batch by batch: 8 bytes a gate and row."""

    def __init__(self, policy: Policy, known: Sequence[str]) -> None:
        self._gates = [gate for gate in policy.gates if not gate.absent and gate.score in known]
        self._tags = [name for name in TAG_COLUMNS if name in known]
        self._cells: dict[tuple[Any, ...], int] = {}
        self._slices: dict[str, list[int | None]] = {gate.name: [] for gate in self._gates}
        self._figures: dict[tuple[str, int], _Figures] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        """Collect a batch that has the known ones of ``TAG_COLUMNS`` and of the policy's scores.

        Beside them, ``accepted``.
        """
        cells = np.array([self._number(cell) for cell in _rows(batch, self._tags)], np.int64)
        accepted = pc.fill_null(batch["accepted"], False).to_numpy(zero_copy_only=False)
        for gate in self._gates:
            numbers = self._slices[gate.name]
            # Rows to which the gate does not apply have no slice.
            of_cell = np.array([-2 if n is None else n for n in numbers], np.int64)
            slices = of_cell[cells]
            figures = pc.cast(batch[gate.score], pa.float64()).to_numpy(zero_copy_only=False)
            there = np.isfinite(figures)
            for number in np.unique(slices[there]):
                if number >= OTHERWISE:
                    chosen = there & (slices == number)
                    into = self._figures.setdefault((gate.name, int(number)), _Figures())
                    into.accepted.append(figures[chosen & accepted])
                    into.rejected.append(figures[chosen & ~accepted])

    def panels(self) -> list[tuple[Gate, list[Panel]]]:
        """Return each gate that read any figure, with its slices."""
        found = []
        for gate in self._gates:
            numbers = sorted(number for name, number in self._figures if name == gate.name)
            panels = [self._panel(gate, number) for number in numbers]
            if panels:
                found.append((gate, panels))
        return found

    def _panel(self, gate: Gate, number: int) -> Panel:
        figures = self._figures[gate.name, number]
        if number == OTHERWISE:
            bounds, label = gate.bounds, "all others" if gate.slices else "all"
        else:
            piece = gate.slices[number]
            bounds = piece.bounds
            label = f"{piece.column.replace('_', ' ')} {', '.join(map(str, piece.values))}"
        return Panel(
            label, bounds, np.concatenate(figures.accepted), np.concatenate(figures.rejected)
        )

    def _number(self, cell: tuple[Any, ...]) -> int:
        if cell not in self._cells:
            self._cells[cell] = len(self._cells)
            tags = dict(zip(self._tags, cell, strict=True))
            for gate in self._gates:
                self._slices[gate.name].append(_slice_of(gate, tags))
        return self._cells[cell]


def _slice_of(gate: Gate, tags: Mapping[str, Any]) -> int | None:
    """Return the number of the slice whose bounds hold; None where the gate does not apply."""
    if gate.bounds_for(tags) is None:
        return None
    matching = [
        number for number, piece in enumerate(gate.slices) if tags.get(piece.column) in piece.values
    ]
    return matching[-1] if matching else OTHERWISE


def _rows(batch: pa.RecordBatch, columns: Sequence[str]) -> Sequence[tuple[Any, ...]]:
    return list(zip(*(batch[name].to_pylist() for name in columns), strict=True))
