"""The rules of the house: which room may import which, and that names do not collide."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ALLOWED = {
    "datasets": set(),
    "teacher": {"datasets"},
    "filters": {"datasets"},
    "student": {"datasets"},
    "pipelines": {"datasets", "teacher", "filters", "student"},
    "orchestration": {"datasets", "teacher", "filters", "student", "pipelines"},
}


def imported_rooms(source: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(source.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source}: imports are absolute in this house"
            names = [node.module or ""]
        rooms |= {name.split(".")[1] for name in names if name.startswith("lauter.")}
    return rooms


@pytest.mark.parametrize("room", ALLOWED)
def test_imports_run_one_way(room: str) -> None:
    sources = list((ROOT / room).rglob("*.py"))
    assert sources
    for source in sources:
        against = imported_rooms(source) - ALLOWED[room] - {room}
        assert not against, f"{source} imports {against}"


def test_from_the_root_import_datasets_is_hugging_faces() -> None:
    script = "import datasets; print(datasets.__file__)"
    found = subprocess.run(
        [sys.executable, "-P", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "site-packages" in found.stdout


def test_no_drawer_is_called_by_a_name_that_says_nothing() -> None:
    empty = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
    for room in ALLOWED:
        for source in (ROOT / room).rglob("*.py"):
            assert source.stem not in empty, source
