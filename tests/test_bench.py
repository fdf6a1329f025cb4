"""Measures of `make bench` run, at a small size, but for those that need Ray or minutes of speech.

How fast is not asserted.
"""

import importlib
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).parents[1] / "bench"
COLUMNS = ["name", "value", "unit", "against", "ratio"]


@pytest.fixture(autouse=True)
def bench_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCH))
    monkeypatch.setenv("PYTHONPATH", str(BENCH))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "measure", "size"),
    [
        ("resume", "resume_over_hashing", 2000),
        ("memory", "memory_10x_over_1x", 30),
        ("loader", "loader_over_tar", 60),
    ],
)
def test_a_measure_gives_rows_of_the_table(file: str, measure: str, size: int) -> None:
    found = getattr(importlib.import_module(file), measure)(size)
    rows: list[dict[str, Any]] = [found] if isinstance(found, dict) else list(found)
    assert rows
    for row in rows:
        assert list(row) == COLUMNS
        assert row["value"] > 0
        assert row["ratio"] > 0


def test_every_measure_is_listed_where_it_is_defined() -> None:
    engine = importlib.import_module("engine")
    for file, measures in engine.MEASURES.items():
        module = importlib.import_module(file)
        assert all(callable(getattr(module, measure)) for measure in measures)
    assert {f"{file}.py" for file in engine.MEASURES} <= {path.name for path in BENCH.glob("*.py")}
