"""Who speaks in a split of an export, and whether that may be used today.

An export is a copy: what was withdrawn after it was made is in it still, so whoever reads one to
learn from it asks again. Only the names are read, a column that costs less than a byte a sample.
"""

import pyarrow.compute as pc

from lauter.datasets.consent import Leave
from lauter.datasets.errors import UsageError
from lauter.datasets.exported_voices import exported_voices
from lauter.datasets.location import Location
from lauter.datasets.record_blocks import open_blocks


def speakers_in(folder: str | Location, split: str) -> set[str]:
    """Return the names of all who speak; raises ``UsageError`` for a folder that is no export."""
    blocks = open_blocks(folder, split)
    return {
        speaker
        for block in range(len(blocks.counts))
        for speaker in pc.unique(blocks.read(block, ["speaker"])["speaker"]).to_pylist()
    }


def check_leave(folder: str | Location, split: str, leave: Leave) -> None:
    """Raise ``UsageError`` where somebody speaks in a split whose voice may not be used."""
    forbidden = leave.forbidden(exported_voices(folder))
    reasons = [forbidden[name] for name in sorted(speakers_in(folder, split) & forbidden.keys())]
    if reasons:
        raise UsageError(
            f"the export {folder} may not be used: {'; '.join(reasons)}; export its corpus "
            "again, which leaves that speech out"
        )
