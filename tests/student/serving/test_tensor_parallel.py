"""A model split over processes."""

from pathlib import Path

import pytest
from own_process import passes_alone


@pytest.mark.slow
def test_split_models_say_what_they_say_whole() -> None:
    passes_alone(Path(__file__).with_name("split_models.py"))
