"""Many clients at once, some of whom hang up: nothing wrong, nothing left behind."""

import asyncio
import importlib
import json
import os
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[1] / "bench"


@pytest.mark.slow
def test_many_clients_are_answered_right_and_leave_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(str(BENCH))
    load, demo = (importlib.import_module(name) for name in ("load", "demo_cluster"))
    monkeypatch.setitem(os.environ, "OMP_NUM_THREADS", "1")
    with demo.served(tmp_path / "server.log", rows=4, most_waiting=12) as (url, process):
        found = asyncio.run(load.load(url, process.pid, clients=40, seconds=6))
    assert found.answers["whole"] > 0
    assert found.answers["hung up"] > 0
    assert found.answers["http 429"] == found.retry_after > 0
    assert set(found.answers) == {"whole", "hung up", "http 429"}
    assert found.wrong == 0
    assert (found.live, found.waiting) == (0, 0)
    assert json.loads(json.dumps(load.row_of(found)))["answers"] == dict(found.answers)
