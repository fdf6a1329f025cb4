"""Chains of edits to evaluate: one edit applied again and again, as far as a teacher has done it.

An edit is evaluated from where it begins: from speech that is no edit itself where it leads away
from there (neutral → joy 1 → joy 2 …), and else from the farthest that there is (joy 5 → joy 4 …).
Each step has the teacher's recording, so that whoever edits can be held against it, step by step.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lauter.datasets.corpus import Corpus
from lauter.datasets.edit_pairs import EditPair, find_pairs
from lauter.datasets.edits import SPEED, Edit
from lauter.datasets.errors import UsageError
from lauter.datasets.record_blocks import open_blocks
from lauter.filters.margins import DIRECTIONS
from lauter.pipelines.evaluation_items import Item, items_of_export

MEASURED = (*map(str, DIRECTIONS), SPEED)
"""What has a direction in which it can be seen to move."""


@dataclass(frozen=True, eq=False, kw_only=True)
class EditStep(Item):
    """Speech after so many passes of an edit; the source of a chain is its step 0."""

    edit: Edit
    number: int
    before: "EditStep | None"

    @property
    def source(self) -> "EditStep":
        """The step 0 of its chain."""
        return self if self.before is None else self.before.source


def chains_of_export(
    folder: str | Path,
    *,
    split: str,
    times: int,
    edits: Sequence[Edit] | None = None,
    count: int | None = None,
    corpus: Corpus | None = None,
) -> list[list[EditStep]]:
    """Return chains of at most ``times`` passes, of at most ``count`` texts of an export's split.

    ``edits`` are those to evaluate (None: all that are there). Raises ``UsageError`` where the
    split has no chain of one of them, and for one whose movement no measure knows.
    """
    blocks = open_blocks(folder, split)
    columns = ["request_id", "text"]
    rows = [row for n in range(len(blocks.counts)) for row in blocks.read(n, columns).to_pylist()]
    pairs = find_pairs(blocks)
    found: dict[Edit, list[list[int]]] = {}
    for edit in edits or sorted({pair.edit for pair in pairs if pair.edit.what in MEASURED}):
        if edit.what not in MEASURED:
            raise UsageError(
                f"nothing measures how far {edit} moved; evaluate {', '.join(MEASURED)}"
            )
        found[edit] = list(_chains(pairs, edit, times))
        if not found[edit]:
            raise UsageError(f"the split '{split}' of the export {folder} has no chain of {edit}")
    texts = list(dict.fromkeys(rows[chain[0]]["text"] for one in found.values() for chain in one))
    kept = set(texts[:count])
    chosen = [
        (edit, chain) for edit in found for chain in found[edit] if rows[chain[0]]["text"] in kept
    ]
    names = {rows[number]["request_id"] for _, chain in chosen for number in chain}
    items = {
        item.request.request_id: item
        for item in items_of_export(folder, split=split, corpus=corpus, wanted=names)
    }
    return [
        _steps([items[rows[number]["request_id"]] for number in chain], edit)
        for edit, chain in chosen
    ]


def _chains(pairs: Sequence[EditPair], edit: Edit, times: int) -> Iterator[list[int]]:
    """Yield the samples of each chain, from its source on."""
    onwards = {pair.source: pair.edited for pair in pairs if pair.edit == edit}
    reached = set(onwards.values())
    edits = {pair.edited for pair in pairs if not pair.is_back}
    roots = [sample for sample in onwards if sample not in edits]
    for source in roots or [sample for sample in onwards if sample not in reached]:
        chain = [source]
        while chain[-1] in onwards and len(chain) <= times:
            chain.append(onwards[chain[-1]])
        yield chain


def _steps(items: Sequence[Item], edit: Edit) -> list[EditStep]:
    steps: list[EditStep] = []
    # Everyone's steps sound in the voice of the source: else they would be told what to become.
    voice = items[0].reference or items[0].recording
    for number, item in enumerate(items):
        before = steps[-1] if steps else None
        steps.append(
            EditStep(
                item.request,
                item.recording,
                item.recording_s,
                voice,
                items[0].reference_text,
                edit=edit,
                number=number,
                before=before,
            )
        )
    return steps
