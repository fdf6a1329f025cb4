"""What the tests of training learn from, and what they begin with."""

from pathlib import Path

import pytest
from coded_export import coded_export
from midget import midget


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hold an export of 40 coded utterances in ``data`` and a midget of a student in ``init``."""
    folder = tmp_path_factory.mktemp("student")
    coded_export(folder / "data", 40)
    midget(folder / "init")
    return folder
