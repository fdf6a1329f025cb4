"""A scorer that fails on everything ends a run at its beginning, not after a night of speaking."""

from collections import Counter
from collections.abc import Iterator

import pyarrow as pa

from lauter.datasets.errors import LauterError

FIRST_ROWS = 8
"""So many scored rows are looked at before any is kept."""


def checked(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield all batches, the first ones once it is known that no scorer failed on all their rows.

    Raises ``LauterError`` if one did; of these rows none is kept, so that the same command speaks
    and measures them when the scorer is mended.
    """
    held, scored = [], 0
    failures: Counter[str] = Counter()
    errors: dict[str, str] = {}
    for batch in batches:
        held.append(batch)
        for found in batch["score_errors"].drop_null().to_pylist():
            scored += 1
            failures.update({failed["scorer"] for failed in found})
            errors.update((failed["scorer"], failed["error"]) for failed in found)
        if scored >= FIRST_ROWS:
            break
    for scorer, count in failures.items():
        if count == scored > 1:
            raise LauterError(
                f"the scorer '{scorer}' failed on each of the first {scored} utterances "
                f"({errors[scorer]}); mend it or leave it out, and run the same command again"
            )
    yield from held
    yield from batches
