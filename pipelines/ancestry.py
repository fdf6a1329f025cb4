"""Parents of planned requests, computed on columns: who they are, and planning them as well.

What a prompt's parent is follows from its cell alone (``datasets/lineage.py``), so it is asked once
for each cell, and a million requests are given their parents in seconds.
"""

from dataclasses import asdict
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lauter.datasets.lineage import EDIT_FIELD, LINEAGE_FIELDS, PARENT_FIELD, edit_of, parent_of
from lauter.datasets.records import CELL_COLUMNS, REQUEST_SCHEMA, Prompt
from lauter.pipelines.request_ids import combinations, once, prompt_ids, request_ids

PLANNED_SCHEMA: Final = pa.schema([*REQUEST_SCHEMA, *LINEAGE_FIELDS])
"""Requests with their parents."""
_ROOT: Final = ("text", "dialect", "speaker", "teacher_fingerprint", "seed")


def with_lineage(requests: pa.Table, edited: pa.Array) -> pa.Table:
    """Return ``requests`` (``REQUEST_SCHEMA``) with ``LINEAGE_FIELDS`` (``PLANNED_SCHEMA``).

    ``edited`` is boolean: whether the teacher of a row makes manners by editing neutral speech.
    The others have no parents, whatever their manner.
    """
    parents, steps = _parents(requests)
    has_parent = pc.and_(edited, pc.is_valid(steps))
    ids = pc.if_else(has_parent, request_ids(parents), None)
    columns = {PARENT_FIELD: ids, EDIT_FIELD: pc.if_else(has_parent, steps, None)}
    for field, values in columns.items():
        requests = requests.append_column(field, values.cast(pa.string()))
    return requests


def with_ancestors(requests: pa.Table) -> pa.Table:
    """Return ``requests`` (``PLANNED_SCHEMA``) and every ancestor that they lack.

    What comes of one utterance stands together, parents first: a teacher that remembers neutral
    speech then speaks each once.
    """
    generations = [requests]
    known = requests["request_id"].combine_chunks()
    while True:
        youngest = generations[0]
        parents, _ = _parents(youngest)
        ids = youngest[PARENT_FIELD.name].combine_chunks()
        parents = _replaced(parents, "request_id", ids)
        missing = pc.and_(pc.is_valid(ids), pc.invert(pc.is_in(ids, value_set=known)))
        parents = once(parents.filter(missing))
        if not parents.num_rows:
            return _by_root(pa.concat_tables(generations))
        parents = _replaced(parents, "prompt_id", prompt_ids(parents))
        edited = pa.repeat(pa.scalar(True), parents.num_rows)
        generations.insert(0, with_lineage(parents, edited).cast(PLANNED_SCHEMA))
        known = pa.concat_arrays([known, parents["request_id"].combine_chunks()])


def _parents(requests: pa.Table) -> tuple[pa.Table, pa.Array]:
    """Return each row as its parent, ids aside, and the step between; itself where it has none."""
    cell_of_row, first_rows = combinations(requests, CELL_COLUMNS)
    cells = requests.select(list(CELL_COLUMNS)).take(first_rows).to_pylist()
    prompts = [Prompt(text="", **cell) for cell in cells]
    above = [asdict(parent_of(prompt) or prompt) for prompt in prompts]
    parents = requests.select(REQUEST_SCHEMA.names)
    for name in CELL_COLUMNS:
        values = pa.array([prompt[name] for prompt in above], REQUEST_SCHEMA.field(name).type)
        parents = _replaced(parents, name, values.take(pa.array(cell_of_row)))
    steps = pa.array([edit_of(prompt) for prompt in prompts], pa.string())
    return parents, steps.take(pa.array(cell_of_row))


def _replaced(requests: pa.Table, name: str, values: pa.Array) -> pa.Table:
    position = requests.schema.get_field_index(name)
    return requests.set_column(position, REQUEST_SCHEMA.field(name), values)


def _by_root(requests: pa.Table) -> pa.Table:
    """Return the rows of one text, voice and seed side by side, those of fewer edits first."""
    root_of_row, _ = combinations(requests, _ROOT)
    cell_of_row, first_rows = combinations(requests, CELL_COLUMNS)
    cells = requests.select(list(CELL_COLUMNS)).take(first_rows).to_pylist()
    edits = np.array([_edits(Prompt(text="", **cell)) for cell in cells], np.int64)
    return requests.take(pa.array(np.lexsort((edits[cell_of_row], root_of_row))))


def _edits(prompt: Prompt) -> int:
    """Return how many edits lie between neutral speech and a prompt."""
    parent = parent_of(prompt)
    return 0 if parent is None else 1 + _edits(parent)
