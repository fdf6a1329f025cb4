"""What edits of what is there did to their parents: the table of `docs/results.md`.

    lauter synthesize recipe=styles corpus=styles
    lauter derive corpus=styles "derive.edits=[noise,denoise,...]" "derive.where=..."
    python bench/derived.py styles

reads the corpus and its newest verdicts and prints, for each edit that signal processing made, how
many were made and accepted, the gates that rejected them, and the median with the 5th and 95th
percentile of each figure against the parent.
"""

import argparse
from collections import Counter, defaultdict
from typing import Any

import numpy as np

from lauter.datasets.corpus import Corpus
from lauter.datasets.lineage import EDITOR
from lauter.filters.edit_steps import STEP_FIELDS
from lauter.orchestration.audit.intervals import Share

_FIGURES = [field.name for field in STEP_FIELDS]


def main() -> None:
    """Read a corpus and print a line for each edit and figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus")
    corpus = Corpus.open(parser.parse_args().corpus)
    found = defaultdict(list)
    columns = ["teacher", "edit", "error_kind", *_FIGURES]
    for batch in corpus.scan_judged(columns):
        for row in batch.to_pylist():
            if row["teacher"] == EDITOR and row["error_kind"] is None:
                found[row["edit"]].append(row)
    for edit, rows in sorted(found.items()):
        _print(edit, rows)


def _print(edit: str, rows: list[dict[str, Any]]) -> None:
    share = Share(sum(bool(row["accepted"]) for row in rows), len(rows))
    low, high = share.interval
    gates = Counter(one["gate"] for row in rows for one in row["failed_gates"] or ())
    print(f"{edit}: {share.part} of {share.whole} ({low:.0%} to {high:.0%}) {dict(gates)}")
    for name in _FIGURES:
        values = [row[name] for row in rows if row[name] is not None]
        if values:
            low, middle, high = np.percentile(values, [5, 50, 95])
            print(f"    {name} {middle:+.2f} ({low:+.2f} to {high:+.2f}) of {len(values)}")


if __name__ == "__main__":
    main()
