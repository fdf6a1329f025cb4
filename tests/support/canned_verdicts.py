"""Verdicts on canned utterances."""

from collections.abc import Iterable

import pyarrow as pa
from canned_utterances import ids

from lauter.datasets.records import VERDICT_SCHEMA


def verdicts(numbers: Iterable[int], accepted: bool, gates: tuple[str, ...] = ("cer",)) -> pa.Table:
    """Return one verdict for each number; the rejected ones failed ``gates``, in that order."""
    numbers = list(numbers)
    known = ids(range(max(numbers, default=0) + 1))
    failed = [
        {"gate": gate, "score": gate, "figure": 1.0, "threshold": 0.1, "reason": "for a test"}
        for gate in gates
    ]
    rows = [
        {
            "request_id": known[number],
            "policy": "p1",
            "accepted": accepted,
            "failed_gates": [] if accepted else failed,
        }
        for number in numbers
    ]
    return pa.Table.from_pylist(rows, schema=VERDICT_SCHEMA)
