"""The built wheel, installed with its own dependencies alone, imports every module of it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
IMPORT_ALL = """
import importlib, pkgutil, sys
import lauter
count = 0
for module in pkgutil.walk_packages(lauter.__path__, "lauter."):
    importlib.import_module(module.name)
    count += 1
assert any(sys.argv[1] in place for place in lauter.__path__), lauter.__path__
print(count)
"""


@pytest.mark.slow
def test_the_built_wheel_imports_every_module_in_a_bare_environment(tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    python = bare / "bin" / "python"

    def install(*what: str) -> None:
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "-q"]
        command = [*pip, "--no-compile", *what]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    subprocess.run([sys.executable, "-m", "venv", str(bare)], check=True)
    install("torch==2.13.0")  # alone and first, as the Makefile has it
    install("-c", "requirements/constraints.txt", str(ROOT))
    # Not one of pytest's or of the extras: what Lauter needs itself stands in its dependencies.
    command = [str(python), "-c", IMPORT_ALL, str(bare)]
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    done = subprocess.run(command, cwd=tmp_path, env=plain, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rooms = ("datasets", "teacher", "filters", "pipelines", "student", "orchestration")
    sources = [file for room in rooms for file in (ROOT / room).rglob("*.py")]
    assert int(done.stdout) == len(sources)
    installed = bare / "lib" / f"python3.{sys.version_info.minor}" / "site-packages" / "lauter"
    assert (installed / "orchestration/conf/lauter.yaml").exists()
    assert (installed / "filters/policies/default.yaml").exists()
    shipped = (ROOT / "student/codec/shipped").iterdir()  # with its evaluation, where it has one
    assert all((installed / "student/codec/shipped" / file.name).exists() for file in shipped)
    assert (installed / "datasets/prompts/builtin/en.tsv").exists()
    shutil.rmtree(bare)  # 2.6 GB, which pytest would keep for three runs
