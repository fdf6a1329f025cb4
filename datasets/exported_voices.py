"""Whose voices an export holds: a small file beside its card, which students take along.

A record names its speaker. Whether speech of that name may be used depends on whose voice it is and
of which others it is made, so leave that was withdrawn from these reaches what left the corpus.
"""

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from lauter.datasets.errors import UsageError
from lauter.datasets.exported import VOICES_FILE
from lauter.datasets.location import Location, location_of
from lauter.datasets.selection import Selection
from lauter.datasets.voices import VOICE_SCHEMA, Voice, voices_of

_TOLD = [name for name in VOICE_SCHEMA.names if not name.startswith("reference_")]


def voices_json(selection: Selection) -> str:
    """Return the voices of an export as its file has them, without their recordings."""
    rows = selection.corpus.voices().select(_TOLD).to_pylist()
    chosen = [row for row in rows if selection.tally.speakers[row["speaker"]]]
    chosen.sort(key=lambda row: (row["speaker"], row["dialect"]))
    return json.dumps(chosen, ensure_ascii=False, indent=2) + "\n"


def exported_voices(folder: str | Location) -> list[Voice]:
    """Return the voices of an export; none of one that was made before they were written.

    Raises ``UsageError`` where the file is damaged.
    """
    place = location_of(folder) / VOICES_FILE
    if not place.exists():
        return []
    try:
        rows: list[Mapping[str, Any]] = json.loads(place.read_text(encoding="utf-8"))
        schema = pa.schema([VOICE_SCHEMA.field(name) for name in _TOLD])
        return voices_of(pa.Table.from_pylist(rows, schema=schema))
    except (OSError, ValueError, TypeError, AttributeError, pa.ArrowException) as error:
        raise UsageError(f"{place} cannot be read ({error}); export again") from error
