"""Reads what a student learns from: the texts, tags and codes of an export, without its audio.

Records are read in blocks (``record_blocks.py``) of which the last few are kept, so an epoch that
is shuffled in windows streams: memory does not grow with the data, but for some 250 bytes a sample,
from which batches are planned.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple
from zlib import crc32

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lauter.datasets.codes import check_codes
from lauter.datasets.edits import Edit
from lauter.datasets.errors import UsageError
from lauter.datasets.layout import (
    Example,
    Ids,
    Reference,
    Vocabulary,
    edit_words,
    reference_length,
    speech_example,
    speech_prompt,
    tag_words,
)
from lauter.datasets.location import Location, location_of
from lauter.datasets.record_blocks import open_blocks
from lauter.datasets.records import TOP_LOGITS
from lauter.datasets.text_tokens import TextTokenizer

BLOCKS_KEPT: Final = 16
PROMPT_COLUMNS: Final = (
    "request_id", "text", "language", "dialect", "emotion", "emotion_level", "style",
    "speed_level", "speaker",
)  # fmt: skip
REFERENCE_COLUMNS: Final = ("request_id", "text", "codes")
"""What is read of an utterance that shows a voice before another one."""
TEACHER: Final = f"{TOP_LOGITS}_fingerprint"
_ENCODE = "run `lauter codec encode` on the corpus and export it again"
_TEACH = "run `lauter teach` on the corpus with one teacher and export it again"


class Cell(NamedTuple):
    """What mixtures weigh and validation tells apart."""

    language: str
    dialect: str
    emotion: str


def texts_of(folder: str | Location, split: str) -> Iterator[str]:
    """Yield what a tokenizer is to read: each sample's text with its tags, and its speaker's name.

    Raises ``UsageError`` for a folder that is no export.
    """
    blocks = open_blocks(folder, split)
    for block in range(len(blocks.counts)):
        for record in blocks.read(block, PROMPT_COLUMNS).to_pylist():
            yield tag_words(record) + record["text"]
            yield record["speaker"]


def codec_of(folder: str | Location, split: str) -> str | None:
    """Return the fingerprint of the codec that encoded a split's first sample; None without codes.

    Raises ``UsageError`` for a folder that is no export.
    """
    blocks = open_blocks(folder, split)
    if "codec_fingerprint" not in blocks.columns():
        return None
    fingerprint: str | None = blocks.read(0, ["codec_fingerprint"])["codec_fingerprint"][0].as_py()
    return fingerprint


@dataclass(frozen=True, slots=True)
class SpokenExample:
    """An example with the id and the columns of the sample that it was made of."""

    request_id: str
    example: Example
    record: Mapping[str, Any]


class SpokenExamples:
    """The examples of one split of an export.

    ``lengths`` and ``targets`` (int32 ``[samples]``) are each example's ids and those of them that
    are foretold; ``cell_of`` (int32 ``[samples]``) is the number of its cell in ``cells``,
    ``speaker_of`` (int32) that of its speaker in ``speakers``, and ``text_of`` (uint32) one that
    equal texts share. ``reference_lengths`` (int32) are the ids that it adds to another example of
    its speaker before which it stands. Samples are counted as they lie. ``teacher_fingerprint``
    says whose the cached logits are (None: they were not asked for).
    """

    def __init__(
        self,
        folder: str | Location,
        tokenizer: TextTokenizer,
        vocabulary: Vocabulary,
        *,
        split: str = "train",
        extra_columns: Sequence[str] = (),
    ) -> None:
        """Read what batches are planned from: one pass over texts and codes.

        ``extra_columns`` are read with each example, such as cached logits. Raises ``UsageError``
        for a folder that is no export, for samples without codes, without those columns, with
        codes of two codecs or cached logits of two teachers, and ``InvalidCodesError``, which is
        one, for codes that are no valid stream.
        """
        self.folder = location_of(folder)
        self._tokenizer = tokenizer
        self._vocabulary = vocabulary
        self._blocks = open_blocks(self.folder, split)
        self.counts = self._blocks.counts
        self.identity = self._blocks.identity
        self._ends = np.cumsum(np.asarray(self.counts, np.int64))
        self._columns = [*PROMPT_COLUMNS, "codes", "codec_fingerprint", *extra_columns]
        wanted = {TOP_LOGITS, TEACHER} if TOP_LOGITS in extra_columns else set()
        self._check_columns({*extra_columns, *wanted})
        self._teacher_columns = [TEACHER] if wanted else []
        self._block = lru_cache(maxsize=BLOCKS_KEPT)(
            lambda block: self._blocks.read(block, self._columns)
        )
        # Apart from the others, whose neighbours are wanted next.
        self._far_block = lru_cache(maxsize=BLOCKS_KEPT)(
            lambda block: self._blocks.read(block, REFERENCE_COLUMNS)
        )
        self._index()

    def __len__(self) -> int:
        return len(self.lengths)

    def read(
        self,
        samples: Sequence[int],
        references: Sequence[int | None] | None = None,
        edits: Sequence[Edit | None] | None = None,
    ) -> list[SpokenExample]:
        """Return the examples of samples, by their numbers.

        ``references`` are the numbers of the samples that stand before them, None for nothing;
        with ``edits`` these are what was edited, and how.
        """
        found = []
        before = references or [None] * len(samples)
        asked = edits or [None] * len(samples)
        for sample, reference, edit in zip(samples, before, asked, strict=True):
            block = self._block_of(sample)
            record = self._record(self._block(block), block, sample)
            found.append(self._spoken(record, self._shown(reference, block), edit))
        return found

    def bounds(self, sample: int) -> tuple[int, int]:
        """Return the first sample of the block that a sample lies in, and that of the next."""
        block = self._block_of(sample)
        return self._start(block), int(self._ends[block])

    def _block_of(self, sample: int) -> int:
        return int(np.searchsorted(self._ends, sample, side="right"))

    def _start(self, block: int) -> int:
        return int(self._ends[block - 1]) if block else 0

    def _record(self, table: pa.Table, block: int, sample: int) -> dict[str, Any]:
        (record,) = table.slice(sample - self._start(block), 1).to_pylist()
        return dict(record)

    def _shown(self, reference: int | None, at_hand: int) -> dict[str, Any] | None:
        """Return what is read of a reference; one in the block at hand costs no reading."""
        if reference is None:
            return None
        block = self._block_of(reference)
        if block != at_hand:
            return self._record(self._far_block(block), block, reference)
        return self._record(self._block(block).select(REFERENCE_COLUMNS), block, reference)

    def _spoken(
        self, record: dict[str, Any], shown: dict[str, Any] | None, edit: Edit | None
    ) -> SpokenExample:
        prompt = self._prompt(record, shown, edit)
        name = f"the sample {record['request_id']}"
        example = speech_example(prompt, self._vocabulary, record["codes"], name)
        return SpokenExample(record["request_id"], example, record)

    def _prompt(
        self,
        record: Mapping[str, Any],
        shown: Mapping[str, Any] | None = None,
        edit: Edit | None = None,
    ) -> Ids:
        text = (tag_words(record) if edit is None else edit_words(edit)) + record["text"]
        if shown is None:
            return speech_prompt(self._tokenizer, self._vocabulary, text, system=record["speaker"])
        name = f"the sample {shown['request_id']}"
        reference = Reference(shown["text"], shown["codes"], name)
        return speech_prompt(
            self._tokenizer, self._vocabulary, text, system="", reference=reference
        )

    def _check_columns(self, extra: Iterable[str]) -> None:
        there = set(self._blocks.columns())
        if not {"codes", "codec_fingerprint"} <= there:
            raise UsageError(f"the export {self.folder} holds no speech codes; {_ENCODE}")
        for name in sorted(extra):
            if name not in there:
                raise UsageError(
                    f"the export {self.folder} has no column {name}, which the loss needs; "
                    "run `lauter teach` on the corpus and export it again"
                )

    def _index(self) -> None:
        lengths, targets, cell_of = [], [], []
        reference_lengths, text_of, spoken_by = [], [], []
        numbers: dict[Cell, int] = {}
        codecs: dict[str, str] = {}
        teachers: dict[str, str] = {}
        speakers: dict[str, int] = {}
        for records in self._scan():
            streams = records["codes"].to_numpy()  # None where there is none
            for record, codes in zip(records.drop(["codes"]).to_pylist(), streams, strict=True):
                name, codec = record["request_id"], record["codec_fingerprint"]
                if codes is None or not len(codes) or codec is None:
                    raise UsageError(f"{name} of the export {self.folder} has no codes; {_ENCODE}")
                # Now, and not when its turn comes: hours of training would end there.
                number = len(check_codes(codes, f"the sample {name}"))
                codecs.setdefault(codec, name)
                for column in self._teacher_columns:
                    if record[column] is None:
                        raise UsageError(
                            f"{name} of the export {self.folder} has no cached logits; {_TEACH}"
                        )
                    teachers.setdefault(record[column], name)
                speaker, text = record["speaker"], record["text"]
                spoken_by.append(speakers.setdefault(speaker, len(speakers)))
                text_of.append(crc32(text.encode()))
                # The turn takes the place of the name.
                added = reference_length(self._tokenizer, text, number)
                reference_lengths.append(added - len(self._tokenizer.encode(speaker)))
                lengths.append(len(self._prompt(record)) + number + 1)
                targets.append(number + 1)
                cell = Cell(record["language"], record["dialect"], record["emotion"])
                cell_of.append(numbers.setdefault(cell, len(numbers)))
        self.codec_fingerprint = self._only(codecs, "codes", "codecs", _ENCODE)
        self.teacher_fingerprint = (
            self._only(teachers, "cached logits", "teachers", _TEACH) if teachers else None
        )
        self.speakers = sorted(speakers)
        rank = {speaker: place for place, speaker in enumerate(self.speakers)}
        places = np.asarray([rank[speaker] for speaker in speakers], np.int32)
        self.speaker_of: NDArray[np.int32] = places[spoken_by]
        self.text_of: NDArray[np.uint32] = np.asarray(text_of, np.uint32)
        self.reference_lengths: NDArray[np.int32] = np.asarray(reference_lengths, np.int32)
        self.cells = list(numbers)
        self.lengths: NDArray[np.int32] = np.asarray(lengths, np.int32)
        self.targets: NDArray[np.int32] = np.asarray(targets, np.int32)
        self.cell_of: NDArray[np.int32] = np.asarray(cell_of, np.int32)

    def _only(self, marks: Mapping[str, str], what: str, whose: str, remedy: str) -> str:
        """Return the only mark; ``marks`` are those found, each with the first sample that has it.

        Raises ``UsageError`` where there are two.
        """
        if len(marks) > 1:
            (first, one), (second, other) = list(marks.items())[:2]
            raise UsageError(
                f"the {what} of the export {self.folder} are of two {whose}: {one} has {first}, "
                f"{other} has {second}; {remedy}"
            )
        return next(iter(marks))

    def _scan(self) -> Iterator[pa.Table]:
        columns = [*PROMPT_COLUMNS, "codes", "codec_fingerprint", *self._teacher_columns]
        for block in range(len(self.counts)):
            yield self._blocks.read(block, columns)
