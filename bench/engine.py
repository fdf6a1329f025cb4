"""`make bench`: every ratio of the data engine, ours over the bare thing, in one run.

Writes `bench/results/engine.json` and prints it as a table. Names given as arguments measure and
print those files only: `make bench ONLY="throughput resume"`.
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

RESULTS = Path(__file__).parent / "results" / "engine.json"
MEASURES = {
    "throughput": ["engines_over_lance"],
    "filters": ["judge_over_arrow", "cer_over_jiwer"],
    "resume": ["resume_over_hashing"],
    "loader": ["loader_over_tar"],
    "memory": ["memory_10x_over_1x"],
    "importing": ["import_over_pool"],
    "stages": ["stage_speeds"],
}
"""The functions of each file; one returns a row of the table, or yields several."""


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
    for row in measured(files or MEASURES):
        console.print(f"{row['name']}: {row['value']} {row['unit']}")
        rows.append(row)
    if not files:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
    table = Table("name", "value", "unit", "against", "ratio")
    for row in rows:
        table.add_row(*(str("" if row[column] is None else row[column]) for column in row))
    console.print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
