"""What Lauter imports it declares, pins and gives a reason for."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("datasets", "teacher", "filters", "pipelines", "student", "orchestration")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def names(requirements: list[str]) -> set[str]:
    """Return the distributions that requirements name, as packaging spells them."""
    found = (re.match(r"[\w.-]+", line) for line in requirements)
    return {re.sub(r"[-_.]+", "-", match[0]).lower() for match in found if match}


DECLARED = names(PROJECT["dependencies"])
EXTRAS = names([line for extra in PROJECT["optional-dependencies"].values() for line in extra])
CARRIERS = names((ROOT / "requirements/models.txt").read_text().splitlines())


def imported() -> dict[str, Path]:
    """Return every module from elsewhere that some file of ours imports, with such a file."""
    found = {}
    for room in ROOMS:
        for source in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(source.read_text())):
                if isinstance(node, ast.Import):
                    modules = [alias.name for alias in node.names]
                else:
                    modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                found |= {module.split(".")[0]: source for module in modules}
    return {
        name: at for name, at in found.items() if name not in {*sys.stdlib_module_names, "lauter"}
    }


def test_every_import_is_a_declared_dependency() -> None:
    distributions = packages_distributions()
    for module, source in imported().items():
        from_ = names(distributions.get(module, [module]))
        assert from_ & (DECLARED | EXTRAS | CARRIERS), f"{source} imports {module} of {from_}"


def test_every_dependency_is_pinned() -> None:
    lines = (ROOT / "requirements/constraints.txt").read_text().splitlines()
    pinned = names([line for line in lines if "==" in line])
    assert pinned >= DECLARED | EXTRAS, (DECLARED | EXTRAS) - pinned


def test_every_dependency_has_its_reason() -> None:
    page = (ROOT / "docs/dependencies.md").read_text()
    reasons = names(re.findall(r"[\w.-]+", page))
    assert reasons >= DECLARED, DECLARED - reasons


@pytest.mark.parametrize("minor", [10, 13])
def test_make_refuses_another_python_before_it_fetches_anything(tmp_path: Path, minor: int) -> None:
    other = tmp_path / "other-python"
    pretence = f"import sys; sys.version_info = (3, {minor}, 0); exec(sys.argv[1])"
    other.write_text(f'#!/bin/sh\n[ "$1" = -c ] && exec {sys.executable} -c "{pretence}" "$2"\n')
    other.chmod(0o755)
    command = ["make", "environment", f"PYTHON={other}", f"VENV={tmp_path / 'venv'}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert f"{other} is not Python 3.11 or 3.12, which Lauter needs" in done.stdout
    assert not (tmp_path / "venv").exists()
