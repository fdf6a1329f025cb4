"""Ranks that do the same."""

from pathlib import Path

import pytest
from own_process import passes_alone


@pytest.mark.slow
def test_a_rank_that_dies_leaves_nobody_waiting() -> None:
    passes_alone(Path(__file__).with_name("dying_ranks.py"))
