"""A rank that dies."""

from pathlib import Path

import numpy as np
import pytest
from following_ranks import led_ranks
from taught_student import SHAPE

from lauter.student.checkpoint import save_model
from lauter.student.generation import Sampling
from lauter.student.model import build
from lauter.student.serving.batching import Task


def test_a_rank_that_dies_leaves_nobody_waiting(tmp_path: Path) -> None:
    save_model(build(SHAPE, seed=3), tmp_path / "model", {})
    with led_ranks(tmp_path / "model", 2) as (led, others):
        led.add(Task("a", np.arange(20, 30), Sampling(), 0, 300))
        led.step()
        others[0].kill()
        with pytest.raises(RuntimeError):
            for _ in range(10):
                led.step()
