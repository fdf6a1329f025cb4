"""The sentences that come with Lauter: short, everyday, written for it, free of rights (CC0)."""

from pathlib import Path

import pyarrow as pa

from lauter.datasets.tags import Language

FOLDER = Path(__file__).parent / "builtin"
TEXT_SCHEMA = pa.schema(
    [
        ("text", pa.string()),
        ("language", pa.string()),
        ("text_source", pa.string()),
        ("text_licence", pa.string()),
    ]
)


def builtin_texts() -> pa.Table:
    """Return the built-in sentences (``TEXT_SCHEMA``)."""
    rows = [
        {
            "text": text,
            "language": language.value,
            "text_source": "lauter-builtin",
            "text_licence": "CC0-1.0",
        }
        for language in Language
        if (file := FOLDER / f"{language.value}.txt").exists()
        for text in file.read_text(encoding="utf-8").splitlines()
    ]
    return pa.Table.from_pylist(rows, schema=TEXT_SCHEMA)
