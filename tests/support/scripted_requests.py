"""Requests for the scripted teacher."""

from collections.abc import Sequence
from dataclasses import asdict

import pyarrow as pa

from lauter.datasets.records import REQUEST_SCHEMA, Prompt, Request


def scripted_requests(texts: Sequence[str]) -> pa.Table:
    """Requests that ask the scripted teacher for ``texts``."""
    rows = []
    for text in texts:
        prompt = Prompt(text, "en", "en-US", speaker="tone")
        request = Request(prompt, "scripted", "scripted-1", 0).identified()
        rows.append(
            asdict(prompt)
            | {
                "request_id": request.request_id,
                "prompt_id": prompt.prompt_id,
                "teacher": request.teacher,
                "teacher_fingerprint": request.teacher_fingerprint,
                "seed": request.seed,
            }
        )
    return pa.Table.from_pylist(rows, schema=REQUEST_SCHEMA)
