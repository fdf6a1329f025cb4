"""Split models are tried in a process of their own: ranks are its default group, and stay so.

Trainings of other tests leave a default group behind in this one.
"""

import subprocess
import sys
from pathlib import Path

import pytest

SPLIT_MODELS = Path(__file__).with_name("split_models.py")


@pytest.mark.slow
def test_split_models_say_what_they_say_whole() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(SPLIT_MODELS)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout[-4000:]
    assert " passed" in found.stdout
