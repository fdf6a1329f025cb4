"""What a mark says beside what a request and its record say already, as columns."""

from typing import Final

import pyarrow as pa

from lauter.datasets.records import described

IMPORTED: Final = "import"
"""The teacher's name in rows that were spoken elsewhere."""
SYNTHETIC_FIELD = described(
    "synthetic", pa.string(), "Whether a machine has spoken it: yes, no or unknown"
)
"""In a corpus it stands beside imported speech, as its source says, and beside edits of it; our
teachers are machines. In an export it stands beside all."""


def is_from_elsewhere(teacher: str, synthetic: str | None) -> bool:
    """Return whether a row of a corpus was spoken elsewhere, or made out of what was.

    ``synthetic`` is what stands in ``SYNTHETIC_FIELD``, None where that is empty.
    """
    return teacher == IMPORTED or synthetic is not None


MARK_FIELDS = [
    SYNTHETIC_FIELD,
    described("voice_licence", pa.string(), "SPDX id of the voice's licence"),
    described("corpus_digest", pa.string(), "Digest of the corpus that it was exported from"),
    described("release", pa.string(), "Tag of the corpus that it was exported from, if any"),
    described("mark_format", pa.int8(), "Version of the mark in the audio file's own tags"),
]
MARK_COLUMNS = tuple(field.name for field in MARK_FIELDS)
