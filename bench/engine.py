"""`make bench`: every ratio of the data engine and of serving, ours over the bare thing.

Writes `bench/results/engine.json` and `serve.json` and prints them as a table. Names given as
arguments measure and print those files only: `make bench ONLY="throughput resume"`; what of it is a
whole set of results, measured in one run, is written too.
"""

import importlib
import json
import os
import platform
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"
SUPPORT = Path(__file__).parent.parent / "tests" / "support"
"""Faulty servers, which both the tests and the measures of serving are asked through."""
MEASURES = {
    "throughput": ["engines_over_lance"],
    "filters": ["judge_over_arrow", "cer_over_jiwer"],
    "resume": ["resume_over_hashing"],
    "loader": ["loader_over_tar"],
    "memory": ["memory_10x_over_1x"],
    "importing": ["import_over_pool"],
    "marking": ["marks_over_audio", "sound_search"],
    "stages": ["stage_speeds"],
    "serving": [
        "continuous_over_sequential", "http_over_inprocess", "slow_server_p95", "best_of_n_cost",
    ],
}  # fmt: skip
"""The functions of each file; one returns a row of the table, or yields several."""
SETS = {"serve": ["serving"], "engine": [file for file in MEASURES if file != "serving"]}
"""Which files' rows make up a file of results."""


def measured(files: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows of each file's measures."""
    for file in files:
        module = importlib.import_module(file)
        for name in MEASURES[file]:
            found = getattr(module, name)()
            yield from [found] if isinstance(found, dict) else found


def machine() -> dict[str, Any]:
    """Return the row that says what was measured on."""
    when = datetime.now(UTC).date().isoformat()
    memory = psutil.virtual_memory().total / 2**30
    return {
        "name": "machine",
        "value": os.cpu_count(),
        "unit": "cores",
        "against": f"{when}, {memory:.0f} GiB, {platform.platform(terse=True)}, "
        f"Python {platform.python_version()}",
        "ratio": None,
    }


def main(files: list[str]) -> None:
    """Measure and print; what was measured whole, in one run, is kept."""
    console = Console(width=140)
    rows = [machine()]
    by_file: dict[str, list[dict[str, Any]]] = {}
    for file in files or MEASURES:
        by_file[file] = []
        for row in measured([file]):
            console.print(f"{row['name']}: {row['value']} {row['unit']}")
            by_file[file].append(row)
        rows += by_file[file]
    for name, wanted in SETS.items():
        if set(wanted) <= set(by_file):
            kept = [rows[0], *(row for file in wanted for row in by_file[file])]
            text = json.dumps(kept, indent=1, ensure_ascii=False) + "\n"
            (RESULTS / f"{name}.json").write_text(text)
    table = Table("name", "value", "unit", "against", "ratio")
    for row in rows:
        table.add_row(*(str("" if row[column] is None else row[column]) for column in row))
    console.print(table)


if __name__ == "__main__":
    sys.path.append(str(SUPPORT))
    main(sys.argv[1:])
