"""The real pipeline: what each stage costs, which one binds, and how busy the cores are.

Every other request of the demo goes through the studio teacher and every scorer, as `lauter
synthesize` runs them. The seconds of a stage are those of its worker, while the other cores are
busy too. Cores are counted while there is work: from the first finished batch on, until fewer
batches are left than there are workers. Other programs on the machine make the figure smaller,
never larger.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa

from lauter.datasets.corpus import Corpus
from lauter.orchestration.loading import load_settings
from lauter.orchestration.making import make_job, make_plan, make_teacher
from lauter.pipelines.plan import Plan
from lauter.pipelines.summary import summarise
from lauter.pipelines.synthesize import synthesize

SETTINGS = ("quotas=demo", "engine=inline")


class CoreMeter:
    """The processor time of this process and its children, read as batches finish."""

    def __init__(self, leave_out: int) -> None:
        self._leave_out = leave_out
        self._readings: list[tuple[float, float]] = []

    def read(self, batch: pa.RecordBatch) -> None:
        """Read clocks when a batch has finished."""
        family = [psutil.Process(), *psutil.Process().children(recursive=True)]
        spent = sum(sum(process.cpu_times()[:2]) for process in family)
        self._readings.append((time.perf_counter(), spent))

    def utilisation(self) -> float:
        """Return the share of all cores that was used while there was work for all of them."""
        first, last = self._readings[0], self._readings[-1 - self._leave_out]
        return (last[1] - first[1]) / (last[0] - first[0]) / (os.cpu_count() or 1)


def stage_speeds() -> Iterator[dict[str, Any]]:
    """Yield a row for each stage, dearest first, one for the whole, and one for the cores."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(SETTINGS)
        open_teacher, teacher = make_teacher(settings)
        job = make_job(settings, open_teacher, teacher)
        whole = make_plan(settings, teacher)
        every_other = range(0, whole.requests.num_rows, 2)
        planned = Plan(whole.requests.take(list(every_other)), whole.refused)
        corpus = Corpus.create(Path(folder) / "corpus")
        meter = CoreMeter(leave_out=os.cpu_count() or 1)
        started = time.perf_counter()
        synthesize(job, planned, teacher, corpus, on_batch=meter.read)
        wall_s = time.perf_counter() - started
        summary = summarise(corpus)
    total = sum(summary.stage_seconds.values())
    stages = sorted(summary.stage_seconds.items(), key=lambda stage: -stage[1])
    for number, (name, seconds) in enumerate(stages):
        binds = "; it binds" if number == 0 else ""
        yield {
            "name": f"stage_{name}",
            "value": round(summary.spoken_s / seconds, 2),
            "unit": "s of speech per worker second",
            "against": f"share of all {total:.0f} worker seconds{binds}",
            "ratio": round(seconds / total, 4),
        }
    yield {
        "name": "pipeline",
        "value": round(summary.spoken_s / wall_s, 3),
        "unit": "s of speech per second",
        "against": f"{summary.spoken_s:.0f} s of speech in {wall_s:.0f} s, start included",
        "ratio": round(summary.spoken_s / wall_s, 3),
    }
    yield {
        "name": "core_utilisation",
        "value": round(100 * meter.utilisation(), 1),
        "unit": "%",
        "against": f"all {os.cpu_count()} cores while there is work",
        "ratio": round(meter.utilisation(), 3),
    }
