"""From a row of somebody's manifest to a recording: what their columns are called.

Each field of ours is looked for under the names that other houses use; ``columns`` of a reader
replaces these (``{"text": "normalized"}``), or forbids a field (``{"emotion": None}``). What no
field of ours takes is kept in ``extra``.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lauter.datasets.errors import UsageError
from lauter.datasets.imports.manner import MANNER_FIELDS
from lauter.datasets.imports.recording import Recording

NAMES: Mapping[str, tuple[str, ...]] = {
    "path": ("audio_filepath", "file_name", "path", "audio", "wav"),
    "text": ("text", "sentence"),
    "offset_s": ("offset", "offset_s"),
    "duration_s": ("duration", "duration_s"),
    "language": ("lang", "language", "locale"),
    "dialect": ("dialect",),
    "speaker": ("speaker", "speaker_id", "client_id"),
    "licence": ("licence", "license", "text_licence"),
    "transcript": ("pred_text", "hypothesis", "transcript"),
    **{name: (name,) for name in MANNER_FIELDS},
}
_NUMBERS = frozenset({"offset_s", "duration_s"})


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column of a manifest holds which field of a recording."""

    chosen: Mapping[str, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.chosen:
            if name not in NAMES:
                raise UsageError(
                    f"'{name}' is no field that a column can be chosen for; "
                    f"there are {', '.join(NAMES)}"
                )

    def names_of(self, name: str) -> tuple[str, ...]:
        """Return the columns in which a field is looked for, in order."""
        if name not in self.chosen:
            return NAMES[name]
        column = self.chosen[name]
        return () if column is None else (column,)

    def require(self, present: Collection[str], names: Collection[str], manifest: str) -> None:
        """Raise ``UsageError`` where a manifest has no column for one of the fields ``names``."""
        for name in names:
            if not any(column in present for column in self.names_of(name)):
                raise UsageError(
                    f"{manifest} has no column for {name} (looked for "
                    f"{', '.join(self.names_of(name))}); it has {', '.join(present)}. "
                    f"Say which it is: source.columns.{name}=…"
                )

    def recording(self, row: Mapping[str, Any], key: str, **known: Any) -> Recording:
        """Return what a row says; where it is unusable, the recording carries the ``fault``.

        ``known`` gives fields that do not stand in the row, and outweighs it. Where the row names
        a file, that (with the offset) is a better key than ``key``: it outlives a moved line.
        """
        values: dict[str, Any] = {}
        used = set()
        fault = ""
        for name in NAMES:
            column = next((c for c in self.names_of(name) if row.get(c) not in (None, "")), None)
            if column is None:
                continue
            used.add(column)
            if name in known:
                continue
            try:
                values[name] = _value(name, row[column])
            except (TypeError, ValueError):
                kind = "number" if name in _NUMBERS else "text"
                fault = fault or f"its {column} is {row[column]!r:.80} and no {kind}"
        manner = {name: values.pop(name) for name in MANNER_FIELDS if name in values}
        extra = {column: value for column, value in row.items() if column not in used}
        if "path" in values:
            offset_s = values.get("offset_s")
            key = f"{values['path']}@{offset_s:g}" if offset_s else values["path"]
        return replace(Recording(key, fault=fault, manner=manner, extra=extra), **values, **known)


def _value(name: str, value: Any) -> Any:
    if name in _NUMBERS:
        number = float(value)
        if not math.isfinite(number):
            raise ValueError
        return number
    if isinstance(value, bool | list | dict):
        raise TypeError
    return value if name in MANNER_FIELDS else str(value)
