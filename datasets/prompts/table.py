"""Texts and prompts as tables."""

from collections.abc import Iterable

import pyarrow as pa

from lauter.datasets.records import PROMPT_SCHEMA, Prompt, described

TEXT_SCHEMA = pa.schema(
    [
        described("text", pa.string(), "What to say"),
        described("language", pa.string(), "ISO 639-1 code of the writing"),
        described("text_source", pa.string(), "Name of the file or set it came from"),
        described("text_licence", pa.string(), "SPDX id of the text's licence"),
        described("row", pa.int64(), "Its row there, from 1; in a file of lines, its line"),
    ]
)
"""What every source of texts returns; a source may add columns of its own."""


def table_from_prompts(prompts: Iterable[Prompt]) -> pa.Table:
    """Return prompts as a table of ``PROMPT_SCHEMA``, with their ids."""
    prompts = list(prompts)
    return pa.table(
        [
            pa.array([getattr(prompt, field.name) for prompt in prompts], field.type)
            for field in PROMPT_SCHEMA
        ],
        schema=PROMPT_SCHEMA,
    )
