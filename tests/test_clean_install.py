"""The built wheel imports everywhere, every module of it, from outside the repository."""

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
def test_the_built_wheel_imports_every_module(tmp_path: Path) -> None:
    target = tmp_path / "site"
    subprocess.run(
        [
            sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation",
            "--target", str(target), str(ROOT),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    script = f"import sys; sys.path.insert(0, {str(target)!r})\n{IMPORT_ALL}"
    done = subprocess.run(
        [sys.executable, "-P", "-c", script, str(target)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    rooms = ("datasets", "teacher", "filters", "pipelines", "student", "orchestration")
    sources = [file for room in rooms for file in (ROOT / room).rglob("*.py")]
    assert int(done.stdout) == len(sources)
    assert (target / "lauter/orchestration/conf/lauter.yaml").exists()
    assert (target / "lauter/filters/policies/default.yaml").exists()
