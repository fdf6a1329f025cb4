"""What a corpus has of each cell of its quotas: asked, accepted, paid, and who can be asked again.

First tries and further ones are counted apart: a prompt that was rejected once is another sort than
a fresh one, and whether it pays to ask it again is learned from those that were.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from lauter.datasets.corpus import Corpus
from lauter.datasets.lineage import EDITOR, PARENT_FIELD
from lauter.datasets.prompts.cell import Cell
from lauter.pipelines.cost import Prices, Spent, cost_columns, seconds_of

_CELL: Final = ("dialect", "emotion", "emotion_level", "style", "speed_level", "speaker")


@dataclass
class CellLedger:
    """One cell: all that was spent on it, first and further tries, and what its requests cost.

    ``teacher`` is who spoke the last of it. ``known`` are the ids of all prompts that were asked,
    ``open_prompts`` of those of which nothing was accepted, with how often each was asked;
    ``prices`` and ``device_s`` are of each request.
    """

    spent: Spent = field(default_factory=Spent)
    teacher: str = ""
    first_asked: int = 0
    first_accepted: int = 0
    again_asked: int = 0
    again_accepted: int = 0
    known: frozenset[str] = frozenset()
    open_prompts: dict[str, int] = field(default_factory=dict)
    prices: list[float] = field(default_factory=list)
    device_s: list[float] = field(default_factory=list)


Ledger = dict[Cell, CellLedger]


def read_ledger(corpus: Corpus, cells: Iterable[Cell], policy: str, prices: Prices) -> Ledger:
    """Return what a corpus has of ``cells`` under a policy (its digest); other rows are passed by.

    A row belongs to the cell of its speaker where there is one, else to that of any speaker. What
    was edited from rows of the corpus was never asked of a teacher and belongs to none.
    """
    ledger = {cell: CellLedger() for cell in cells}
    if not corpus.count():
        return ledger
    tries: dict[Cell, dict[str, tuple[int, bool]]] = {cell: {} for cell in ledger}
    schema = corpus.schema
    columns = ["prompt_id", "teacher", "error_kind", *_CELL, *cost_columns(schema)]
    for batch in corpus.scan_judged(columns, policy=policy):
        for row in batch.to_pylist():
            cell = _cell_of(row, ledger)
            if cell is not None and row["teacher"] != EDITOR:
                _take(ledger[cell], row, tries[cell], prices)
    for cell, asked in tries.items():
        ledger[cell].known = frozenset(asked)
        ledger[cell].open_prompts = {
            prompt: count for prompt, (count, accepted) in asked.items() if not accepted
        }
    return ledger


def _cell_of(row: Mapping[str, Any], cells: Container[Cell]) -> Cell | None:
    named = Cell(**{name: row[name] for name in _CELL})
    if named in cells:
        return named
    anybody = replace(named, speaker="")
    return anybody if anybody in cells else None


def _take(
    entry: CellLedger,
    row: Mapping[str, Any],
    tries: dict[str, tuple[int, bool]],
    prices: Prices,
) -> None:
    entry.spent.add(row)
    entry.teacher = row["teacher"]
    seconds = seconds_of(row)
    entry.prices.append(prices.of(seconds))
    entry.device_s.append(3600 * prices.device_hours(seconds))
    accepted = bool(row["accepted"])
    # Rows come in the order of their commits, so the first of a prompt is its first try.
    count, had = tries.get(row["prompt_id"], (0, False))
    tries[row["prompt_id"]] = (count + 1, had or accepted)
    if count == 0:
        entry.first_asked += 1
        entry.first_accepted += accepted
    else:
        entry.again_asked += 1
        entry.again_accepted += accepted


def total(ledger: Ledger) -> Spent:
    """Return the sum of all cells."""
    return sum((entry.spent for entry in ledger.values()), Spent())


def read_along(corpus: Corpus, cells: Iterable[Cell], policy: str) -> Spent:
    """Return what was spent on speech that rows of ``cells`` were edited from and no cell holds.

    It is the neutral speech that chains begin with, where no quota asks for it.
    """
    along, asked, parents = Spent(), frozenset(cells), set()
    if PARENT_FIELD.name not in corpus.schema.names:
        return along
    columns = ["teacher", PARENT_FIELD.name, *_CELL]
    for batch in corpus.scan(columns, where=f"{PARENT_FIELD.name} IS NOT NULL"):
        for row in batch.to_pylist():
            if row["teacher"] != EDITOR and _cell_of(row, asked):
                parents.add(row[PARENT_FIELD.name])
    named = pa.array(sorted(parents), pa.string())
    columns = ["request_id", "error_kind", *_CELL, *cost_columns(corpus.schema)]
    for batch in corpus.scan_judged(columns, policy=policy):
        for row in batch.filter(pc.is_in(batch["request_id"], value_set=named)).to_pylist():
            if not _cell_of(row, asked):
                along.add(row)
    return along


def shares(ledger: Ledger) -> Sequence[tuple[int, int]]:
    """Return accepted and asked of the first tries of each cell."""
    return [(entry.first_accepted, entry.first_asked) for entry in ledger.values()]
