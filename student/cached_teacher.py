"""What a teacher said of a batch, out of the column in which its likeliest entries are kept."""

from typing import Final

import torch

from lauter.datasets.errors import UsageError
from lauter.datasets.top_logits import decompress
from lauter.student.batches import Batch
from lauter.student.distill import TeacherTop

TEACHER_COLUMN: Final = "top_logits"


def teacher_of(batch: Batch, device: torch.device) -> TeacherTop:
    """Return the teacher's distributions at a batch's places.

    Raises ``UsageError`` for a sample that has none, or those of another stream.
    """
    streams = []
    for name, record in zip(batch.request_ids, batch.records, strict=True):
        kept = record[TEACHER_COLUMN]
        if kept is None:
            raise UsageError(
                f"{name} has no cached logits; run `lauter teach` on the corpus and export it again"
            )
        stream = decompress(kept, name)
        if stream.places != len(record["codes"]) + 1:
            raise UsageError(
                f"the cached logits of {name} are for {stream.places} places, and its codes have "
                f"{len(record['codes']) + 1}; run `lauter teach` on the corpus again"
            )
        streams.append(stream)
    return TeacherTop.of(streams, device)
