"""Texts from several places, each for its languages."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lauter.datasets.errors import UsageError
from lauter.datasets.prompts.table import TEXT_SCHEMA


def several_texts(parts: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return the texts (``TEXT_SCHEMA``) of all ``parts``, one after the other.

    Each part has its ``texts``, a table, and the ``languages`` that are taken of it. Raises
    ``UsageError`` for a part without one of them, or without a text in its languages.
    """
    if not parts:
        raise UsageError("prompts.parts is empty; give at least one part with texts and languages")
    taken = []
    for number, part in enumerate(parts):
        missing = {"texts", "languages"} - set(part)
        if missing:
            raise UsageError(f"prompts.parts[{number}] has no {' and no '.join(sorted(missing))}")
        languages = list(part["languages"])
        texts = part["texts"]
        chosen = texts.filter(pc.is_in(texts["language"], value_set=pa.array(languages)))
        if not chosen.num_rows:
            raise UsageError(
                f"prompts.parts[{number}] has no text in {', '.join(languages)}; "
                "name other languages, or leave the part out"
            )
        taken.append(chosen)
    return pa.concat_tables([table.select(TEXT_SCHEMA.names) for table in taken])
