"""Tests whose ranks are their process's default group, and stay so, run in a process of their own.

Trainings of other tests leave a default group behind in this one.
"""

import subprocess
import sys
from pathlib import Path


def passes_alone(tests: Path) -> None:
    """Run a file of tests in a process of its own; fails with what they printed."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tests)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout[-4000:]
    assert " passed" in found.stdout
