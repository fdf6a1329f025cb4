"""Which texts suit a cell: those of its language that were written for no other manner."""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from lauter.datasets.errors import UsageError
from lauter.datasets.prompts.cell import Cell
from lauter.datasets.tags import Dialect

_ORIGIN = ("text_source", "text_licence")
_ANY = ("", "0")
"""What stands where a text was written for any dialect, emotion or level."""


class TextPools:
    """The texts that suit a cell, each once, in an order that is theirs alone."""

    def __init__(self, texts: pa.Table, *, by_level: bool) -> None:
        self._texts = texts
        self._by_level = by_level
        self._pools: dict[tuple[str, ...], pa.Table] = {}

    def of(self, cell: Cell) -> pa.Table:
        """Return the texts of a cell; raises ``UsageError`` where there is none."""
        language = Dialect(cell.dialect).language.value
        suited = {"dialect": cell.dialect, "emotion": cell.emotion}
        if self._by_level:
            suited["emotion_level"] = str(cell.emotion_level)
        known = {name: value for name, value in suited.items() if name in self._texts.column_names}
        key = (language, *known.values())
        if key not in self._pools:
            self._pools[key] = self._suited(language, known)
        if not self._pools[key].num_rows:
            manner = f" that suits {cell}" if "emotion" in known else ""
            raise UsageError(
                f"there is no text in '{language}' for the dialect {cell.dialect}{manner}; "
                "add some, or take the dialect out of quotas.dialects"
            )
        return self._pools[key]

    def _suited(self, language: str, suited: Mapping[str, str]) -> pa.Table:
        there = self._texts.filter(pc.equal(self._texts["language"], language))
        for name, value in suited.items():
            written_for = pc.fill_null(pc.cast(there[name], pa.string()), "")
            there = there.filter(pc.is_in(written_for, value_set=pa.array([*_ANY, value])))
        once = there.group_by("text").aggregate([(name, "min") for name in _ORIGIN])
        return once.rename_columns(["text", *_ORIGIN]).sort_by("text")
