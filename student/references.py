"""Which other utterance shows a voice before an example: the turn from which cloning is learnt.

A voice that nobody has trained is copied from a recording of it and what it says there. For a
student to learn that, a share of its examples begins with such a turn: another utterance of the
same speaker, with any tags and in any language, as the voice alone is to be copied; but never of
the same text, whose codes could be copied with it. The speaker's name is left out there, or the
name would tell the voice and the turn could go unheard.

An utterance of the example's own block (a shard, or 4096 rows of Lance) lends its voice where one
fits, as it is read already; only where none does the whole split is searched. So speakers of whom
much is there cost no further reading, and among thousands of speakers whoever speaks twice is
found.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from lauter.datasets.mixing import mixed
from lauter.student.examples import SpokenExamples
from lauter.student.packing import Item

NOBODY: Final = frozenset({"", "unknown"})
"""Speakers whose utterances may be of many voices: imported speech whose source names none."""

_WHETHER, _WHICH = 5, 6


class References:
    """Draws references for the examples of one split.

    An example and its reference have at most ``capacity`` ids together; where no utterance of its
    speaker is short enough, and where it is the only one, it has none.
    """

    def __init__(self, examples: SpokenExamples, share: float, seed: int, capacity: int) -> None:
        self._examples = examples
        self._share = share
        self._seed = seed
        self._capacity = capacity
        # A speaker's samples lie together here, and among them those of a block.
        self._by_speaker = np.argsort(examples.speaker_of, kind="stable")
        self._ends = np.cumsum(np.bincount(examples.speaker_of))
        # Where not even this one fits, nothing of the speaker need be searched.
        self._least = np.full(len(self._ends), capacity + 1)
        np.minimum.at(self._least, examples.speaker_of, examples.reference_lengths)

    def drawn(self, item: Item, epoch: int) -> Item:
        """Return an item with its reference, where the lots give it one.

        They hang on the seed, the epoch and the sample (and which of its copies this is) alone.
        """
        lots = (epoch, item.sample, item.copy)
        if mixed(self._seed, *lots, _WHETHER) >= self._share * 2**64:
            return item
        candidates = self._candidates(item.sample)
        if not len(candidates):
            return item
        chosen = candidates[mixed(self._seed, *lots, _WHICH) % len(candidates)]
        return item._replace(reference=int(chosen))

    def added(self, reference: int | None) -> int:
        """Return the ids that a reference adds to an example; None is no reference."""
        return 0 if reference is None else int(self._examples.reference_lengths[reference])

    @property
    def most_added(self) -> int:
        """The most ids that a reference can add."""
        return max(int(self._examples.reference_lengths.max()), 0)

    def _candidates(self, sample: int) -> NDArray[np.int64]:
        """Return the samples that may stand before one, int64 ``[candidates]``."""
        speaker = int(self._examples.speaker_of[sample])
        room = self._capacity - int(self._examples.lengths[sample])
        if self._examples.speakers[speaker] in NOBODY or self._least[speaker] > room:
            return np.empty(0, np.int64)
        first = int(self._ends[speaker - 1]) if speaker else 0
        everywhere = self._by_speaker[first : self._ends[speaker]]
        near = slice(*np.searchsorted(everywhere, self._examples.bounds(sample)))
        found = self._fitting(sample, everywhere[near], room)
        return found if len(found) else self._fitting(sample, everywhere, room)

    def _fitting(self, sample: int, among: NDArray[np.int64], room: int) -> NDArray[np.int64]:
        examples = self._examples
        says_else = examples.text_of[among] != examples.text_of[sample]
        found: NDArray[np.int64] = among[says_else & (examples.reference_lengths[among] <= room)]
        return found
