"""Chains of edits in a corpus: from neutral speech over every edit to the last, and how each moved.

A corpus's lineage is a forest: each edited utterance names its parent. A chain is one path through
it, from an utterance that is no edit (the root) to one of which there is no further edit. What was
edited later, out of speech that was there, is a chain of its own, whose root is the utterance that
was edited: noise put into the second level of joy is no third one. Where a link lies is measured
from the root, not from the link before it: errors of single steps then do not add up.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError
from lauter.datasets.lineage import EDIT_FIELD, EDITOR, PARENT_FIELD
from lauter.datasets.records import CELL_COLUMNS
from lauter.datasets.tags import Style
from lauter.filters.edit_steps import movements

MEASURES: Final[Mapping[str, str]] = {
    "step_pitch_st": "pitch, st",
    "step_range_octaves": "range, octaves",
    "step_energy_db": "level, dB",
    "step_rate_octaves": "pace, octaves",
}
"""What the plots show of a link, against its root, by column."""
_READ: Final = ("f0_mean_hz", "f0_range_st", "energy_db", "pace")
"""What these are found from."""
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
    def name(self) -> str:
        """The edit that made it; of what is no edit the emotion."""
        return str(self.row["edit"] or self.row["emotion"])


@dataclass(frozen=True, slots=True)
class Chain:
    """A root and its links, each edited from the one before it."""

    root: Link
    links: tuple[Link, ...]

    @property
    def kind(self) -> str:
        """What is done again and again: an emotion, ``faster``, ``slower`` or a style.

        Of what was edited later, the edits, such as ``noise, denoise``.
        """
        last = self.links[-1].row
        if last["teacher"] == EDITOR:
            return ", ".join(link.row["edit"] for link in self.links)
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
    have = corpus.schema.names
    wanted = ["request_id", PARENT_FIELD.name, EDIT_FIELD.name, "text", "teacher"]
    wanted += [*CELL_COLUMNS, *_READ]
    chains: list[Chain] = []
    if PARENT_FIELD.name in have:
        columns = [name for name in wanted if name in have]
        batches = list(corpus.scan_judged(columns, policy=policy))
        if batches:
            chains = _measured(pa.Table.from_batches(batches).combine_chunks())
    if not chains:
        raise UsageError(_NO_EDITS.format(corpus=corpus.path))
    return sorted(chains, key=_order)


_NO_EDITS: Final = (
    "nothing in the corpus {corpus} is an edit of other speech in it; ask for chains of levels, as "
    "`lauter synthesize quotas=emotions` does, or edit what is there with `lauter derive`"
)


def _order(chain: Chain) -> tuple[str, ...]:
    row = chain.root.row
    ids = row["request_id"], chain.links[-1].row["request_id"]
    return row["dialect"], chain.kind, row["speaker"], *ids


def _paths(rows: pa.Table) -> Iterator[list[int]]:
    """Yield the rows of each chain, its root first; a row whose parent is not here begins none."""
    ids = rows["request_id"].combine_chunks()
    parents = pc.index_in(rows[PARENT_FIELD.name], value_set=ids, skip_nulls=True).to_pylist()
    is_edit = rows[PARENT_FIELD.name].is_valid().to_pylist()
    is_later = pc.equal(rows["teacher"], EDITOR).to_pylist()
    children: dict[tuple[int, bool], list[int]] = defaultdict(list)
    for row, parent in enumerate(parents):
        if parent is not None:
            children[parent, is_later[row]].append(row)
    for root, later in children:
        if is_later[root] if later else is_edit[root]:
            continue  # this is no beginning
        unfinished = [[root]]
        while unfinished:
            path = unfinished.pop()
            further = children.get((path[-1], later))
            if further:
                unfinished += [[*path, row] for row in further]
            else:
                yield path


def _measured(rows: pa.Table) -> list[Chain]:
    """Return the chains of a corpus, all links held against their roots at once."""
    paths = list(_paths(rows))
    links = [row for path in paths for row in path[1:]]
    roots = [path[0] for path in paths for _ in path[1:]]
    read = [name for name in (*CELL_COLUMNS, *_READ) if name in rows.column_names]
    figures = rows.select(read)
    found = movements(*(figures.take(pa.array(side, pa.int64())) for side in (links, roots)))
    records = rows.to_pylist()
    chains, place = [], 0
    for path in paths:
        root, *edited = (records[row] for row in path)
        chain = []
        for record in edited:
            moved = {name: _known(found[name][place]) for name in MEASURES}
            moved[MOVED] = _known(found["step_margin"][place] * _levels(root, record))
            chain.append(_link(record, moved))
            place += 1
        chains.append(Chain(_link(root, {}), tuple(chain)))
    return chains


def _link(record: Mapping[str, Any], moved: Mapping[str, float | None]) -> Link:
    failed = tuple(gate["gate"] for gate in record["failed_gates"] or ())
    return Link(record, record["accepted"], failed, moved)


def _known(figure: float) -> float | None:
    return None if figure != figure else float(figure)


def _levels(root: Mapping[str, Any], link: Mapping[str, Any]) -> int:
    """Return how many levels lie between two utterances; a margin is a share of them."""
    between = (abs(link[name] - root[name]) for name in ("emotion_level", "speed_level"))
    return sum(between)
