"""Pairs of speech before and after one edit: one speaker, one text, both in codes.

This is what an Audio-Edit model learns from (Step-Audio, arXiv 2502.11946, section 5.1.1). Each
utterance that was asked for as an edit of another one in the same split makes two pairs: there
(joy+1) and back (joy-1). What `lauter derive` made of speech makes none: those edits are signal
processing of what was said, and a model would learn its traces. Splits are drawn by text, so no
pair is ever torn apart. A sample's parent stands in its record; where exports are older than that,
it follows from the prompt.

Which samples make pairs is found in one pass over the light columns, some 100 bytes a pair; codes
are read when their pair comes. Sources lie anywhere in the split, so where an export has more than
``BLOCKS_KEPT`` shards many pairs cost the reading of another one's records.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from lauter.datasets.codes import codes_as_text
from lauter.datasets.edits import SPEED, Edit
from lauter.datasets.errors import UsageError
from lauter.datasets.exported import EDIT_PAIRS
from lauter.datasets.lineage import EDITOR, PARENT_FIELD, parent_request
from lauter.datasets.location import Location
from lauter.datasets.record_blocks import Blocks, blocks_in, open_blocks
from lauter.datasets.records import CODEC_ERROR_FIELD, REQUEST_SCHEMA, request_from_row
from lauter.datasets.selection import Selection
from lauter.datasets.tags import Emotion, Style

BLOCKS_KEPT: Final = 16
_READ: Final = ("request_id", "text", "language", "speaker", "codes")


@dataclass(frozen=True, slots=True)
class EditPair:
    """Two samples by their numbers in the split, and the step from one to the other.

    ``level`` is the higher of the two levels between which it steps (joy 2 to 3 and back: 3);
    ``is_back`` says that the source is the edit, and the step leads back to what it was made of.
    """

    source: int
    edited: int
    edit: Edit
    level: int
    is_back: bool


def step_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Edit, int] | None:
    """Return the edit between two prompts' columns, and its level; None where it is not one step.

    A prompt and its parent (``lineage.py``) are one step apart.
    """
    felt = {before["emotion"], after["emotion"]} - {Emotion.NEUTRAL.value}
    styles = {before["style"], after["style"]} - {Style.PLAIN.value}
    is_same = all(before[name] == after[name] for name in ("text", "speaker", "dialect"))
    if not is_same or len(felt) > 1 or len(styles) > 1:
        return None
    levels = dict.fromkeys(felt, (before["emotion_level"], after["emotion_level"]))
    levels |= {style: (before["style"] == style, after["style"] == style) for style in styles}
    levels[SPEED] = before["speed_level"], after["speed_level"]
    moved = {what: pair for what, pair in levels.items() if pair[0] != pair[1]}
    if len(moved) != 1:
        return None
    ((what, (was, now)),) = moved.items()
    return (Edit(what, now - was), max(abs(was), abs(now))) if abs(now - was) == 1 else None


def find_pairs(blocks: Blocks) -> list[EditPair]:
    """Return the pairs of a split, in the order of their edited samples.

    Derived rows make none, nor does speech that a codec could make nothing of.
    """
    rows = _manners(blocks)
    number_of = {
        row["request_id"]: number
        for number, row in enumerate(rows)
        if row.get(CODEC_ERROR_FIELD.name) is None
    }
    pairs = []
    for number, row in enumerate(rows):
        parent = number_of.get(row[PARENT_FIELD.name])
        if parent is None or row["request_id"] not in number_of or row["teacher"] == EDITOR:
            continue
        if step := step_between(rows[parent], row):
            edit, level = step
            pairs.append(EditPair(parent, number, edit, level, is_back=False))
            pairs.append(EditPair(number, parent, edit.inverse, level, is_back=True))
    return sorted(pairs, key=lambda pair: (pair.edited, pair.source))


def _manners(blocks: Blocks) -> list[dict[str, Any]]:
    """Return who says what and how in each sample, and which sample it is an edit of."""
    kept = ("request_id", "teacher", "text", "speaker", "dialect", "emotion", "emotion_level",
            "style", "speed_level")  # fmt: skip
    there = blocks.columns()
    is_told = PARENT_FIELD.name in there
    columns = [*kept, PARENT_FIELD.name] if is_told else REQUEST_SCHEMA.names
    errors = [name for name in (CODEC_ERROR_FIELD.name,) if name in there]
    found = []
    for block in range(len(blocks.counts)):
        for row in blocks.read(block, [*columns, *errors]).to_pylist():
            if not is_told:
                parent = parent_request(request_from_row(row))
                row[PARENT_FIELD.name] = parent and parent.request_id
            found.append({name: row[name] for name in (*kept, PARENT_FIELD.name, *errors)})
    return found


class EditPairs:
    """The pairs of a split of an export, each read when it comes."""

    def __init__(self, blocks: Blocks) -> None:
        """Find them in the records of a split."""
        self._blocks = blocks
        self.pairs = find_pairs(blocks)
        there = set(self._blocks.columns())
        columns = [name for name in _READ if name in there]
        self._block = lru_cache(maxsize=BLOCKS_KEPT)(
            lambda block: self._blocks.read(block, columns)
        )

    @classmethod
    def open(cls, folder: str | Location, split: str = "train") -> "EditPairs":
        """Open those of an export; raises ``UsageError`` for a folder that is none."""
        return cls(open_blocks(folder, split))

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield each pair: who says what, the edit, its level, and both samples' ids and codes.

        Raises ``UsageError`` for a sample without codes.
        """
        places = [
            (block, row) for block, count in enumerate(self._blocks.counts) for row in range(count)
        ]
        for pair in self.pairs:
            source, edited = (self._record(*places[one]) for one in (pair.source, pair.edited))
            yield {
                "edit": str(pair.edit),
                "level": pair.level,
                **{name: edited[name] for name in ("text", "language", "speaker")},
                "source_id": source["request_id"],
                "edited_id": edited["request_id"],
                "source": source["codes"],
                "edited": edited["codes"],
            }

    def _record(self, block: int, row: int) -> dict[str, Any]:
        table: pa.Table = self._block(block)
        (record,) = table.slice(row, 1).to_pylist()
        if not record.get("codes"):
            raise UsageError(
                f"{record['request_id']} is one side of an edit pair and has no codes; run "
                "`lauter codec encode` on the corpus and export it again"
            )
        return dict(record)


def pairs_as_lines(pairs: EditPairs) -> Iterator[str]:
    """Yield each pair as a line of JSON for other trainers; codes in the released models' words."""
    for pair in pairs:
        spelled = {name: codes_as_text(pair[name]) for name in ("source", "edited")}
        yield json.dumps(pair | spelled, ensure_ascii=False) + "\n"


def check_codes(selection: Selection) -> None:
    """Raise ``UsageError`` where an utterance of an export, not a derived one, never got codes."""
    corpus = selection.corpus
    bare = len(selection.rows)
    if "codes" in corpus.schema.names:
        has_error = CODEC_ERROR_FIELD.name in corpus.schema.names
        where = f"codes IS NULL AND teacher != '{EDITOR}'"
        where += f" AND {CODEC_ERROR_FIELD.name} IS NULL" * has_error
        ids = [batch["request_id"] for batch in corpus.scan(["request_id"], where=where)]
        chosen = corpus.take_rows(selection.rows, ["request_id"])["request_id"]
        bare = pc.sum(pc.is_in(chosen, value_set=pa.chunked_array(ids, pa.string()))).as_py()
    if bare:
        raise UsageError(
            f"{bare} of {len(selection.rows)} utterances have no codes, and edit pairs are made of "
            f"them; run `lauter codec encode corpus={corpus.path}` first"
        )


def write_edit_pairs(folder: Location, splits: Iterable[str]) -> dict[str, int]:
    """Write the pairs of each split beside the samples of an export, and return how many they are.

    The export may still be being written, but for its cards.
    """
    written = {}
    for split in splits:
        pairs = EditPairs(blocks_in(folder, split))
        with closing((folder / EDIT_PAIRS.format(split=split)).open("wb")) as file:
            for line in pairs_as_lines(pairs):
                file.write(line.encode())
        written[split] = len(pairs)
    return written
