"""Written texts as a table: what every source of texts has, and how each came to be."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import pyarrow as pa

from lauter.datasets.identity import content_id
from lauter.datasets.prompts.table import TEXT_SCHEMA
from lauter.datasets.records import described

WRITTEN_SCHEMA: Final = pa.schema(
    [
        *TEXT_SCHEMA,
        described("dialect", pa.string(), "Dialect it is written in; empty: any of the language"),
        described("emotion", pa.string(), "Emotion that its words express; empty: any"),
        described("emotion_level", pa.int8(), "1 to 5; 0: any level of the emotion"),
        described("register", pa.string(), "How formal it is; empty: as it comes"),
        described("genre", pa.string(), "What kind of a text it is"),
        described("topic", pa.string(), "What it is about"),
        described("writer", pa.string(), "Model, or rules and version"),
        described("template", pa.string(), "Digest of the template or tables it was made with"),
        described("seed_text", pa.string(), "The text that it began from"),
        described("seed_licence", pa.string(), "SPDX id of that text's licence"),
        described("text_id", pa.string(), "Digest of text, language, dialect, emotion and level"),
    ]
)
"""A row is a text; ``row`` is its line in ``texts.jsonl``."""

_IDENTITY: Final = ("text", "language", "dialect", "emotion", "emotion_level")
_DOMAIN: Final = "lauter.text.v1"


def text_id(row: Mapping[str, Any]) -> str:
    """Return the digest of a written text and of what it is meant for."""
    return content_id(_DOMAIN, {name: row[name] for name in _IDENTITY})


def written_table(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Return rows of written texts as a table of ``WRITTEN_SCHEMA``."""
    return pa.Table.from_pylist([dict(row) for row in rows], schema=WRITTEN_SCHEMA)
