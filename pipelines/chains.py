"""Chains of edits in a corpus: from neutral speech over every edit to the last, and how each moved.

A corpus's lineage is a forest: each edited utterance names its parent. A chain is one path through
it, from an utterance that is no edit (the root) to one of which there is no further edit. Where a
link lies is measured from the root, not from the link before it: errors of single steps then do
not add up.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError
from lauter.datasets.lineage import EDIT_FIELD, PARENT_FIELD
from lauter.datasets.records import CELL_COLUMNS
from lauter.datasets.tags import Style
from lauter.filters.edit_steps import READ, STEP_FIELDS, movements

MEASURES: Final[Mapping[str, str]] = {
    "step_pitch_st": "pitch, st",
    "step_range_octaves": "range, octaves",
    "step_energy_db": "level, dB",
    "step_rate_octaves": "pace, octaves",
}
"""What the plots show of a link, against its root, by column."""
MOVED: Final = "moved"
"""How many levels a link lies from its root, in the direction that its tags ask for."""


@dataclass(frozen=True, slots=True)
class Link:
    """One utterance of a chain.

    ``accepted`` is None where it was not judged; ``failed_gates`` are the names of those it failed.
    ``moved`` has ``MOVED`` and the figures of ``MEASURES`` against the chain's root, None where not
    known; it is empty for the root itself.
    """

    row: Mapping[str, Any]
    accepted: bool | None
    failed_gates: tuple[str, ...]
    moved: Mapping[str, float | None]

    @property
    def level(self) -> int:
        """How many edits of the chain's kind were asked: 1 for a style."""
        emotion: int = self.row["emotion_level"]
        speed: int = self.row["speed_level"]
        return abs(speed) or emotion or int(self.row["style"] != Style.PLAIN)


@dataclass(frozen=True, slots=True)
class Chain:
    """A root and its links, each edited from the one before it."""

    root: Link
    links: tuple[Link, ...]

    @property
    def kind(self) -> str:
        """What is done again and again: an emotion, ``faster``, ``slower`` or a style."""
        last = self.links[-1].row
        if last["speed_level"]:
            return "faster" if last["speed_level"] > 0 else "slower"
        emotion: str = last["emotion"]
        style: str = last["style"]
        return emotion if style == Style.PLAIN else style

    @property
    def accepted(self) -> tuple[Link, ...]:
        """The links that were accepted."""
        return tuple(link for link in self.links if link.accepted)

    def is_monotone(self, measure: str = MOVED, *, rising: bool = True) -> bool | None:
        """Whether each accepted link lies further from the root than the accepted one before it.

        ``rising=False`` asks whether a measure falls. None where fewer than two links were
        accepted, or the measure of one is not known: nothing is said of the order of one.
        """
        places = [link.moved.get(measure) for link in self.accepted]
        known = [place for place in places if place is not None]
        if len(known) < 2 or len(known) < len(places):
            return None
        signed = known if rising else [-place for place in known]
        return all(after > before for before, after in pairwise([0.0, *signed]))


def read_chains(corpus: Corpus, policy: str | None = None) -> list[Chain]:
    """Return the chains of a corpus under a policy (its digest; None: the latest).

    They come in the order of dialects, kinds and ids. Rows without speech are links too. Raises
    ``UsageError`` where nothing in the corpus is an edit.
    """
    if PARENT_FIELD.name not in corpus.schema.names:
        raise UsageError(_NO_EDITS.format(corpus=corpus.path))
    have = corpus.schema.names
    wanted = ["request_id", PARENT_FIELD.name, EDIT_FIELD.name, "text", *CELL_COLUMNS,
              "error_kind", "duration_s", *READ]  # fmt: skip
    wanted += [field.name for field in STEP_FIELDS]
    columns = [name for name in dict.fromkeys(wanted) if name in have]
    batches = list(corpus.scan_judged(columns, policy=policy))
    rows = pa.Table.from_batches(batches).combine_chunks() if batches else None
    if rows is None or rows[PARENT_FIELD.name].null_count == len(rows):
        raise UsageError(_NO_EDITS.format(corpus=corpus.path))
    chains = [_measured(path, rows) for path in _paths(rows)]
    return sorted(chains, key=_order)


_NO_EDITS: Final = (
    "nothing in the corpus {corpus} is an edit of other speech; quotas with chains=true, such as "
    "`lauter synthesize quotas=emotions`, ask for every level of the same texts"
)


def _order(chain: Chain) -> tuple[str, ...]:
    row = chain.root.row
    return row["dialect"], chain.kind, row["speaker"], row["request_id"]


def _paths(rows: pa.Table) -> Iterator[list[int]]:
    """Yield the rows of each chain, its root first; a row whose parent is not here begins none."""
    ids = rows["request_id"].combine_chunks()
    parents = pc.index_in(rows[PARENT_FIELD.name], value_set=ids, skip_nulls=True).to_pylist()
    children: dict[int, list[int]] = defaultdict(list)
    for row, parent in enumerate(parents):
        if parent is not None:
            children[parent].append(row)
    is_edit = rows[PARENT_FIELD.name].is_valid().to_pylist()
    unfinished = [[row] for row in children if not is_edit[row]]
    while unfinished:
        path = unfinished.pop()
        further = children.get(path[-1])
        if further:
            unfinished += [[*path, row] for row in further]
        else:
            yield path


def _measured(path: Sequence[int], rows: pa.Table) -> Chain:
    links = rows.take(pa.array(path[1:]))
    root = rows.take(pa.array([path[0]] * len(links)))
    found = movements(links, root)
    told = [name for name in rows.column_names if name not in ("speaker_embedding",)]
    records = rows.take(pa.array(path)).select(told).to_pylist()
    moved = [
        {name: _known(found[name][place]) for name in MEASURES}
        | {MOVED: _levels(found["step_margin"][place], record)}
        for place, record in enumerate(records[1:])
    ]
    first, *others = (
        _link(record, figures) for record, figures in zip(records, [{}, *moved], strict=True)
    )
    return Chain(first, tuple(others))


def _link(record: dict[str, Any], moved: Mapping[str, float | None]) -> Link:
    failed = tuple(gate["gate"] for gate in record.pop("failed_gates") or ())
    return Link(record, record.pop("accepted"), failed, moved)


def _known(figure: float) -> float | None:
    return None if figure != figure else float(figure)


def _levels(margin: float, record: Mapping[str, Any]) -> float | None:
    """Return how many levels were moved: the margin is a share of all that was asked."""
    asked = record["emotion_level"] + abs(record["speed_level"])
    return None if margin != margin else float(margin * asked)
