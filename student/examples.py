"""Reads what a student learns from: the texts, tags and codes of an export, without its audio.

Both kinds of export keep records apart from sound, so an hour of speech costs 0.6 MB here where
the audio would cost 100. Records are read in blocks (a shard's, or 4096 rows of Lance) of which
the last few are kept, so an epoch that is shuffled in windows streams: memory does not grow with
the data, but for three numbers a sample, from which batches are planned.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from lauter.datasets.errors import UsageError
from lauter.datasets.exported import SAMPLES, SPEECH
from lauter.datasets.lance_source import ROWS_A_SHARD, LanceSource, find_rows
from lauter.datasets.layout import (
    Example,
    Ids,
    Vocabulary,
    speech_example,
    speech_prompt,
    tag_words,
)
from lauter.datasets.records import TOP_LOGITS
from lauter.datasets.shard_source import ShardSource, find_shards
from lauter.datasets.text_tokens import TextTokenizer

BLOCKS_KEPT: Final = 16
PROMPT_COLUMNS: Final = (
    "request_id", "text", "language", "dialect", "emotion", "emotion_level", "style",
    "speed_level", "speaker",
)  # fmt: skip
TEACHER: Final = f"{TOP_LOGITS}_fingerprint"
_ENCODE = "run `lauter codec encode` on the corpus and export it again"
_TEACH = "run `lauter teach` on the corpus with one teacher and export it again"


class Cell(NamedTuple):
    """What mixtures weigh and validation tells apart."""

    language: str
    dialect: str
    emotion: str


class Blocks(Protocol):
    """The records of a split, in blocks of neighbours."""

    @property
    def counts(self) -> Sequence[int]:
        """How many rows each block has."""
        ...

    @property
    def identity(self) -> int:
        """A number that tells these rows from any others."""
        ...

    def columns(self) -> list[str]:
        """Return the names of what is known of a sample."""
        ...

    def read(self, block: int, columns: Sequence[str]) -> pa.Table:
        """Return some columns of a block's rows."""
        ...


class ShardBlocks:
    """The records of WebDataset shards, out of ``samples.parquet``: a block each shard."""

    def __init__(self, source: ShardSource) -> None:
        self._source = source
        self.counts = source.counts
        self.identity = source.identity

    def columns(self) -> list[str]:
        """Return the names of what is known of a sample."""
        return list(pq.read_schema(self._source.folder / SAMPLES).names)

    def read(self, block: int, columns: Sequence[str]) -> pa.Table:
        """Return some columns of a block's rows."""
        group = self._source.shards[block].row_group
        with pq.ParquetFile(self._source.folder / SAMPLES) as table:
            return table.read_row_group(group, columns=list(columns))


class LanceBlocks:
    """The records of a Lance export: blocks of ``ROWS_A_SHARD`` rows."""

    def __init__(self, source: LanceSource) -> None:
        import lance

        self._dataset = lance.dataset(str(source.folder / SPEECH))
        self._first = source.first
        self.counts = source.counts
        self.identity = source.identity

    def columns(self) -> list[str]:
        """Return the names of what is known of a sample."""
        return list(self._dataset.schema.names)

    def read(self, block: int, columns: Sequence[str]) -> pa.Table:
        """Return some columns of a block's rows."""
        return self._dataset.to_table(
            columns=list(columns),
            offset=self._first + block * ROWS_A_SHARD,
            limit=self.counts[block],
            scan_in_order=True,
        )


@dataclass(frozen=True, slots=True)
class SpokenExample:
    """An example with the id and the columns of the sample that it was made of."""

    request_id: str
    example: Example
    record: Mapping[str, Any]


class SpokenExamples:
    """The examples of one split of an export.

    ``lengths`` and ``targets`` (int32 ``[samples]``) are each example's ids and those of them that
    are foretold; ``cell_of`` (int32 ``[samples]``) is the number of its cell in ``cells``. Samples
    are counted as they lie. ``teacher_fingerprint`` says whose the cached logits are (None: they
    were not asked for).
    """

    def __init__(
        self,
        folder: str | Path,
        tokenizer: TextTokenizer,
        vocabulary: Vocabulary,
        *,
        split: str = "train",
        extra_columns: Sequence[str] = (),
    ) -> None:
        """Read what batches are planned from: one pass over texts and codes.

        ``extra_columns`` are read with each example, such as cached logits. Raises ``UsageError``
        for a folder that is no export, for samples without codes, without those columns, with
        codes of two codecs or cached logits of two teachers.
        """
        self.folder = Path(folder)
        self._tokenizer = tokenizer
        self._vocabulary = vocabulary
        lies_in_lance = (self.folder / SPEECH).exists()
        self._blocks: Blocks = (
            LanceBlocks(find_rows(self.folder, split))
            if lies_in_lance
            else ShardBlocks(find_shards(self.folder, split))
        )
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
        self._index()

    def __len__(self) -> int:
        return len(self.lengths)

    def read(self, samples: Sequence[int]) -> list[SpokenExample]:
        """Return the examples of samples, by their numbers.

        Raises ``InvalidCodesError`` for a sample whose codes are no valid stream.
        """
        found = []
        for sample in samples:
            block = int(np.searchsorted(self._ends, sample, side="right"))
            row = sample - (int(self._ends[block - 1]) if block else 0)
            (record,) = self._block(block).slice(row, 1).to_pylist()
            found.append(self._spoken(record))
        return found

    def _spoken(self, record: dict[str, Any]) -> SpokenExample:
        prompt = self._prompt(record)
        name = f"the sample {record['request_id']}"
        example = speech_example(prompt, self._vocabulary, record["codes"], name)
        return SpokenExample(record["request_id"], example, record)

    def _prompt(self, record: Mapping[str, Any]) -> Ids:
        text = tag_words(record) + record["text"]
        return speech_prompt(self._tokenizer, self._vocabulary, text, system=record["speaker"])

    def _check_columns(self, extra: Iterable[str]) -> None:
        there = set(self._blocks.columns())
        if not {"codes", "codec_fingerprint"} <= there:
            raise UsageError(f"the export {self.folder} holds no speech codes; {_ENCODE}")
        for name in sorted(extra):
            if name not in there:
                raise UsageError(
                    f"the export {self.folder} has no column {name}, which the loss needs; "
                    "let a teacher fill it and export the corpus again"
                )

    def _index(self) -> None:
        lengths, targets, cell_of = [], [], []
        numbers: dict[Cell, int] = {}
        codecs: dict[str, str] = {}
        teachers: dict[str, str] = {}
        speakers: set[str] = set()
        for records in self._scan():
            codes = pc.list_value_length(records["codes"]).to_numpy(zero_copy_only=False)
            for record, number in zip(records.drop(["codes"]).to_pylist(), codes, strict=True):
                name, codec = record["request_id"], record["codec_fingerprint"]
                if not number > 0 or codec is None:
                    raise UsageError(f"{name} of the export {self.folder} has no codes; {_ENCODE}")
                codecs.setdefault(codec, name)
                for column in self._teacher_columns:
                    if record[column] is None:
                        raise UsageError(
                            f"{name} of the export {self.folder} has no cached logits; {_TEACH}"
                        )
                    teachers.setdefault(record[column], name)
                speakers.add(record["speaker"])
                lengths.append(len(self._prompt(record)) + int(number) + 1)
                targets.append(int(number) + 1)
                cell = Cell(record["language"], record["dialect"], record["emotion"])
                cell_of.append(numbers.setdefault(cell, len(numbers)))
        self.codec_fingerprint = self._only(codecs, "codes", "codecs", _ENCODE)
        self.teacher_fingerprint = (
            self._only(teachers, "cached logits", "teachers", _TEACH) if teachers else None
        )
        self.speakers = sorted(speakers)
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
