"""Examples of edits: the source stands as the turn before, and what it becomes is to be said.

An edit is in the layout of cloning, with two differences: the first turn says the same text, and
the tag of the second says what is to change (``layout.py``). So a student that edits is trained,
packed and validated by the code that trains one that speaks, and one student can learn both. No
speaker is named: what is heard in the source is who speaks.
"""

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from lauter.datasets.edit_pairs import EditPair, find_pairs
from lauter.datasets.edits import Edit
from lauter.datasets.errors import UsageError
from lauter.datasets.layout import Vocabulary, edit_words, tag_words
from lauter.datasets.location import Location
from lauter.datasets.record_blocks import Blocks, open_blocks
from lauter.datasets.text_tokens import TextTokenizer
from lauter.student.examples import PROMPT_COLUMNS, SpokenExample, SpokenExamples


class Task(StrEnum):
    """What a student learns: to say texts, to edit speech, or both."""

    SPEECH = "speech"
    EDIT = "edit"
    BOTH = "both"


class EditExamples:
    """The edits of one split of an export, or with ``with_speech`` each of its samples as well.

    Its arrays are those of ``SpokenExamples``, of examples in the order of the samples that they
    end in; ``edits`` are all that is learnt here.
    """

    def __init__(
        self,
        folder: str | Location,
        tokenizer: TextTokenizer,
        vocabulary: Vocabulary,
        *,
        split: str = "train",
        with_speech: bool = False,
    ) -> None:
        """Find the pairs; raises ``UsageError`` as ``SpokenExamples`` does, and without a pair."""
        self._samples = samples = SpokenExamples(folder, tokenizer, vocabulary, split=split)
        blocks = open_blocks(folder, split)
        pairs = find_pairs(blocks)
        if not pairs:
            raise UsageError(
                f"in the split '{split}' of the export {samples.folder} no speech is an edit of "
                "other speech in it; let each text be said in neighbouring levels, as "
                "recipe=audio-edit does"
            )
        self.folder, self.identity = samples.folder, samples.identity
        self.codec_fingerprint = samples.codec_fingerprint
        self.teacher_fingerprint = samples.teacher_fingerprint
        self.speakers, self.cells = samples.speakers, samples.cells
        self.edits = sorted({pair.edit for pair in pairs})
        lengths = _lengths(samples, pairs, blocks, tokenizer)
        spoken = range(len(samples)) if with_speech else ()
        turns: list[tuple[int, int | None, Edit | None, int]] = [
            *((sample, None, None, int(samples.lengths[sample])) for sample in spoken),
            *(
                (pair.edited, pair.source, pair.edit, length)
                for pair, length in zip(pairs, lengths, strict=True)
            ),
        ]
        turns.sort(key=lambda turn: turn[0])
        self._sample_of = np.asarray([turn[0] for turn in turns], np.int64)
        self._source_of = [turn[1] for turn in turns]
        self._edit_of = [turn[2] for turn in turns]
        self.lengths: NDArray[np.int32] = np.asarray([turn[3] for turn in turns], np.int32)
        self.targets: NDArray[np.int32] = samples.targets[self._sample_of]
        self.cell_of: NDArray[np.int32] = samples.cell_of[self._sample_of]
        ends = np.searchsorted(self._sample_of, np.cumsum(np.asarray(samples.counts, np.int64)))
        self.counts: list[int] = np.diff(ends, prepend=0).tolist()

    def __len__(self) -> int:
        return len(self.lengths)

    def is_edit(self, example: int) -> bool:
        """Return whether an example begins with the speech that it edits."""
        return self._source_of[example] is not None

    def read(
        self, examples: Sequence[int], references: Sequence[int | None] | None = None
    ) -> list[SpokenExample]:
        """Return examples by their numbers; they have no ``references`` but their sources."""
        return self._samples.read(
            [int(self._sample_of[number]) for number in examples],
            [self._source_of[number] for number in examples],
            [self._edit_of[number] for number in examples],
        )


def _lengths(
    samples: SpokenExamples, pairs: Sequence[EditPair], blocks: Blocks, tokenizer: TextTokenizer
) -> list[int]:
    """Return the ids of each pair's example; the pairs are in the order of their edited samples."""
    lengths = []
    coming = iter(pairs)
    pair = next(coming, None)
    first = 0
    for block, count in enumerate(blocks.counts):
        if pair is None or pair.edited >= first + count:
            first += count
            continue
        records = blocks.read(block, PROMPT_COLUMNS).to_pylist()
        while pair is not None and pair.edited < first + count:
            record = records[pair.edited - first]
            tagged, own = (
                len(tokenizer.encode(words + record["text"]))
                for words in (edit_words(pair.edit), tag_words(record))
            )
            alone = int(samples.lengths[pair.edited]) + tagged - own
            lengths.append(alone + int(samples.reference_lengths[pair.source]))
            pair = next(coming, None)
        first += count
    return lengths


def open_examples(
    task: str,
    folder: str | Location,
    tokenizer: TextTokenizer,
    vocabulary: Vocabulary,
    *,
    split: str = "train",
    extra_columns: Sequence[str] = (),
) -> SpokenExamples | EditExamples:
    """Return what a student with this task learns from in a split.

    Raises ``UsageError`` as the two kinds of examples do.
    """
    if task == Task.SPEECH:
        return SpokenExamples(
            folder, tokenizer, vocabulary, split=split, extra_columns=extra_columns
        )
    return EditExamples(folder, tokenizer, vocabulary, split=split, with_speech=task == Task.BOTH)
