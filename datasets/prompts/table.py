"""Prompts as a table."""

from collections.abc import Iterable
from dataclasses import asdict

import pyarrow as pa

from lauter.datasets.records import PROMPT_SCHEMA, Prompt


def table_from_prompts(prompts: Iterable[Prompt]) -> pa.Table:
    """Return prompts as a table of ``PROMPT_SCHEMA``, with their ids."""
    rows = [asdict(prompt) | {"prompt_id": prompt.prompt_id} for prompt in prompts]
    return pa.Table.from_pylist(rows, schema=PROMPT_SCHEMA)
