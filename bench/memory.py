"""`memory_10x_over_1x`: the peak of resident memory does not grow with the number of requests.

The pipeline and the export run with canned clips, in a process of their own, at two sizes. The
peak is read from Linux's account of the process.
"""

import multiprocessing
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from throughput import canned_plan, through_pipeline

from lauter.datasets.corpus import Corpus
from lauter.datasets.shards import export_webdataset
from lauter.pipelines.engines.inline import InlineEngine

REQUESTS = 2_000
TIMES = 10


def memory_10x_over_1x(requests: int = REQUESTS) -> Iterator[dict[str, Any]]:
    """Yield a row for synthesis and one for export."""
    with tempfile.TemporaryDirectory() as folder:
        few, many = Path(folder) / "few", Path(folder) / "many"
        for name, measure in (("memory", synthesis_peak_mb), ("export_memory", export_peak_mb)):
            small = _alone(measure, few, requests)
            large = _alone(measure, many, requests * TIMES)
            yield {
                "name": f"{name}_10x_over_1x",
                "value": round(large, 1),
                "unit": "MB",
                "against": f"peak RSS at {requests} of {requests * TIMES} requests: {small:.1f} MB",
                "ratio": round(large / small, 3),
            }


def synthesis_peak_mb(folder: Path, requests: int) -> float:
    """Make a corpus in ``folder`` and return this process's peak in MB."""
    through_pipeline(folder, canned_plan(requests), InlineEngine())
    return _peak_mb()


def export_peak_mb(folder: Path, requests: int) -> float:
    """Export the corpus in ``folder`` and return this process's peak in MB."""
    corpus = Corpus.open(folder)
    assert corpus.count() == requests
    export_webdataset(corpus, folder.with_suffix(".shards"))
    return _peak_mb()


def _alone(measure: Any, folder: Path, requests: int) -> float:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return float(pool.submit(measure, folder, requests).result())


def _peak_mb() -> float:
    # Not ru_maxrss: on Linux a new process inherits the peak of the one that started it.
    (line,) = (x for x in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in x)
    return int(line.split()[1]) * 1024 / 1e6
