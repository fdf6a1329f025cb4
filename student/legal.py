"""Which ids are legal at which place of speech, and how to look at these alone.

Of ``L L S S S`` slot 0 takes the linguistic entries and the end of the turn, slot 1 the linguistic
entries, slots 2 to 4 the semantic ones. Places of slots that allow the same ids make a part; its
ids are neighbours in a vocabulary (but for the end), so a part is a slice of logits, or of a head.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from lauter.datasets.codes import LINGUISTIC_ENTRIES, SEMANTIC_ENTRIES
from lauter.datasets.layout import END, Vocabulary


@dataclass(frozen=True, slots=True)
class LegalPart:
    """Slots where the same ids are legal: ``entries`` of a book from id ``first``, and the end.

    An **entry** counts within the book, the end being the one after the last. A **column** is
    where an id stands among those that take part: with ``slot_aware`` columns are entries, without
    it all ids of the vocabulary take part and columns are ids.
    """

    slots: tuple[int, ...]
    first: int
    entries: int
    ends: bool
    slot_aware: bool = True

    @property
    def legal(self) -> int:
        """How many ids are legal here."""
        return self.entries + self.ends

    def rows(self, slots: Tensor) -> Tensor:
        """Return the places of this part, int64 ``[rows]``, among ``slots`` ``[places]``."""
        return torch.isin(slots, torch.tensor(self.slots, device=slots.device)).nonzero().squeeze(1)

    def columns(self, scores: Tensor) -> Tensor:
        """Return what takes part, ``[…, columns]`` of ``[…, vocabulary]``, the end last."""
        if not self.slot_aware:
            return scores
        book = scores.narrow(-1, self.first, self.entries)
        return torch.cat([book, scores.narrow(-1, END, 1)], -1) if self.ends else book

    def column_of_id(self, ids: Tensor) -> Tensor:
        """Return the columns of ids, which must be legal here."""
        if not self.slot_aware:
            return ids
        return torch.where(ids == END, self.entries, ids - self.first)

    def column_of_entry(self, entries: Tensor) -> Tensor:
        """Return the columns of entries."""
        if self.slot_aware:
            return entries
        ids = entries + self.first
        return torch.where(entries == self.entries, END, ids) if self.ends else ids


def legal_parts(
    vocabulary: Vocabulary, *, slot_aware: bool = True
) -> tuple[tuple[LegalPart, ...], tuple[LegalPart, ...]]:
    """Return the parts of the linguistic stream and those of the semantic stream."""
    linguistic = vocabulary.text_size
    semantic = linguistic + LINGUISTIC_ENTRIES
    return (
        (
            LegalPart((0,), linguistic, LINGUISTIC_ENTRIES, True, slot_aware),
            LegalPart((1,), linguistic, LINGUISTIC_ENTRIES, False, slot_aware),
        ),
        (LegalPart((2, 3, 4), semantic, SEMANTIC_ENTRIES, False, slot_aware),),
    )
