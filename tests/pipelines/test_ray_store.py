"""What does not fit into Ray's object store goes where the settings say, and no further."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lauter.datasets.errors import UsageError
from lauter.pipelines.engines.ray import RayEngine

MEGABYTE = 1 << 20


@pytest.fixture
def no_ray() -> Iterator[None]:
    import ray

    ray.shutdown()
    yield
    ray.shutdown()


def put(megabytes: int) -> list[Any]:
    import ray

    noise = np.random.default_rng(0).integers(0, 255, 8 * MEGABYTE, np.uint8)
    return [ray.put(noise) for _ in range(megabytes // 8)]


@pytest.mark.slow
def test_what_does_not_fit_lies_in_the_spill_folder(no_ray: None, tmp_path: Path) -> None:
    import ray

    spilled = tmp_path / "spilled"
    RayEngine(object_store_bytes=80 * MEGABYTE, spill_folder=str(spilled)).start()
    kept = put(160)
    files = [file for file in spilled.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) >= 80 * MEGABYTE
    assert all(len(ray.get(each)) == 8 * MEGABYTE for each in kept)


@pytest.mark.slow
def test_a_disk_that_is_as_full_as_it_may_be_is_let_alone(no_ray: None, tmp_path: Path) -> None:
    import ray

    full = RayEngine(object_store_bytes=80 * MEGABYTE, spill_folder=str(tmp_path), spill_until=1e-6)
    full.start()
    with pytest.raises(ray.exceptions.OutOfDiskError):
        put(160)
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


def test_settings_of_a_local_ray_are_refused_where_another_is_joined() -> None:
    with pytest.raises(UsageError, match=r"engine\.object_store_bytes is for a Ray that starts"):
        RayEngine(address="auto", object_store_bytes=80 * MEGABYTE)
