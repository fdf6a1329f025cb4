"""Ids of prompts and requests, computed on columns: the same as those of single records.

The parts of a request that many share (how, by whom) are serialised and hashed once for each
combination, so that a million ids take seconds.
"""

import hashlib
import json

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lauter.datasets.identity import canonical_json
from lauter.datasets.records import (
    PROMPT_DOMAIN,
    PROMPT_IDENTITY,
    REQUEST_DOMAIN,
    REQUEST_IDENTITY,
)


def request_ids(requests: pa.Table) -> pa.Array:
    """Return the id of each row: the same as ``Request.identified``."""
    return _digests(requests, REQUEST_DOMAIN, REQUEST_IDENTITY)


def prompt_ids(prompts: pa.Table) -> pa.Array:
    """Return the id of each row's prompt: the same as ``Prompt.prompt_id``."""
    return _digests(prompts, PROMPT_DOMAIN, PROMPT_IDENTITY)


def once(requests: pa.Table) -> pa.Table:
    """Return each request once, where it comes first."""
    encoded = requests["request_id"].combine_chunks().dictionary_encode()
    _, first = np.unique(encoded.indices.to_numpy(zero_copy_only=False), return_index=True)
    return requests if len(first) == len(requests) else requests.take(pa.array(np.sort(first)))


def combinations(
    table: pa.Table, columns: tuple[str, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each row's combination of values, and for each combination one row that has it."""
    combined = np.zeros(table.num_rows, dtype=np.int64)
    for name in columns:
        encoded = table[name].combine_chunks().dictionary_encode()
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.combine_chunks()
        codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        _, combined = np.unique(combined * len(encoded.dictionary) + codes, return_inverse=True)
    _, first, inverse = np.unique(combined, return_index=True, return_inverse=True)
    return inverse, first


_encode_text = json.JSONEncoder(ensure_ascii=False).encode


def _digests(table: pa.Table, domain: str, columns: tuple[str, ...]) -> pa.Array:
    """Return each row's ``content_id`` over ``columns``, of which 'text' sorts last.

    All other values stand before the text in the canonical form and are shared by many rows:
    they are serialised and hashed once for each combination, and each row goes on from there.
    """
    shared = tuple(name for name in columns if name != "text")
    combination_of_row, first_rows = combinations(table, shared)
    started = []
    for values in table.select(list(shared)).take(first_rows).to_pylist():
        head = canonical_json(values)[:-1] + ',"text":'
        started.append(hashlib.blake2b(domain.encode() + b"\0" + head.encode(), digest_size=16))
    ids = []
    for combination, text in zip(
        combination_of_row.tolist(), table["text"].to_pylist(), strict=True
    ):
        state = started[combination].copy()
        state.update((_encode_text(text) + "}").encode())
        ids.append(state.hexdigest())
    return pa.array(ids, pa.string())
