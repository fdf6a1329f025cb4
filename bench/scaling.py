"""The simulation of `lauter scaling` against real runs: the same workers, speeds from a pilot.

Each run is real: requests through an engine into a corpus. The speeds fed to the simulation are
what rows say of their own stages (`wall_s`, `scorer_seconds`) in a pilot with one worker a stage;
when workers have started, and for how long a killed one is missed, is measured in the run itself.
Compared are the time from the start of the workers, on average, to the last commit, and the share
of it in which each stage's workers were at work. A run falls somewhere among the simulated ones,
so beside their median stands where nine in ten of them lie. Writes `bench/results/scaling.json`.
"""

import json
import os
import random
import signal
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
from engine import machine
from rich.console import Console
from rich.table import Table
from sleeping import LeaveMark, SleepingScorer, SleepingTeacher
from throughput import canned_prompts

from lauter.datasets.corpus import Corpus
from lauter.orchestration.loading import load_settings
from lauter.orchestration.making import make_job, make_plan, make_teacher
from lauter.pipelines.engines.inline import InlineEngine
from lauter.pipelines.engines.protocol import Engine
from lauter.pipelines.engines.ray import RayEngine
from lauter.pipelines.plan import plan
from lauter.pipelines.scaling.simulate import simulate_all
from lauter.pipelines.scaling.speech_load import SpeechLoad
from lauter.pipelines.scaling.stages import PlannedStage
from lauter.pipelines.scaling.tally import Doing, Outcome
from lauter.pipelines.score import Score
from lauter.pipelines.speak import Speak
from lauter.pipelines.stage import Pipeline, Resources
from lauter.pipelines.synthesize import pipeline_of

RESULTS = Path(__file__).parent / "results" / "scaling.json"
SPEAK_S, SCORE_S = 0.4, 0.15
SPEAKERS = 4
BATCH = 4
PILOT = 100
SEEDS = 200
COMMIT_S = 0.00033
"""Seconds of the writer for a row of 3 s (inline_over_lance in engine.json)."""


@dataclass(frozen=True)
class Measured:
    """What a run took since its workers began, and what its rows say: seconds of each, by stage."""

    worked_s: float
    rows: int
    batch: int
    seconds: dict[str, Any]

    def mean(self, stage: str) -> float:
        """Return the mean time of a row."""
        return float(np.mean(self.seconds[stage]))

    def spread(self, stage: str) -> float:
        """Return the spread of one row's time, from batches: a teacher's is known of these only."""
        whole = self.seconds[stage][: self.rows // self.batch * self.batch]
        sums = whole.reshape(-1, self.batch).sum(axis=1)
        return float(np.std(sums)) / self.batch**0.5 / self.mean(stage)

    def total(self, stage: str) -> float:
        """Return the time of all rows."""
        return float(np.sum(self.seconds[stage]))


def measured(
    engine: Engine, pipeline: Pipeline, requests: pa.Table, marks: Path, workers: int
) -> Measured:
    """Run the requests into a corpus; ``marks`` is where workers leave a file when they begin."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = Corpus.create(Path(folder) / "corpus")
        started = time.time()
        with corpus.writing(rows_per_commit=1024, seconds_per_commit=30.0) as writer:
            for batch in engine.run(pipeline, requests):
                writer.append(batch)
            writer.flush()
        wall_s = time.time() - started
        rows = pa.Table.from_batches(corpus.scan(["wall_s", "scorer_seconds"])).to_pylist()
    assert len(rows) == requests.num_rows, "rows were lost or doubled"
    seconds = {
        "speak": np.array([row["wall_s"] for row in rows]),
        "score": np.array([sum(one["seconds"] for one in row["scorer_seconds"]) for row in rows]),
    }
    # Those that began first: others came in the place of workers that were killed.
    begun = sorted(mark.stat().st_mtime for mark in marks.iterdir())[:workers]
    return Measured(
        started + wall_s - float(np.mean(begun)), len(rows), pipeline.batch_size, seconds
    )


def run_asleep(
    engine: Engine, rows: int, speakers: int, scorers: int, life_s: float | None = None
) -> tuple[Measured, "Killer"]:
    """Run stages that only take time; where ``life_s`` is given workers are killed."""
    requests = plan(canned_prompts(rows), SleepingTeacher(SPEAK_S), seed=0).requests
    # Tenths of a core: the machine has fewer than there are workers, and they only sleep.
    small = partial(Resources, num_cpus=0.1, batch_size=BATCH)
    with tempfile.TemporaryDirectory() as folder:
        marks = Path(folder)
        stages = (
            Speak(partial(SleepingTeacher, SPEAK_S, folder), small(concurrency=speakers)),
            Score((partial(SleepingScorer, SCORE_S),), resources=small(concurrency=scorers)),
        )
        with Killer(marks, life_s) as killer:
            run = measured(engine, Pipeline(requests.schema, stages), requests, marks, speakers)
    return run, killer


def simulated(stages: Sequence[PlannedStage], rows: int) -> list[Outcome]:
    """Return what the simulation says, by seed."""
    commit = PlannedStage("commit", 1, seconds_per_request=COMMIT_S)
    load = SpeechLoad(3.0)
    return [
        simulate_all([*stages, commit], load, parcel=stages[0].batch, requests=rows, seed=seed)
        for seed in range(SEEDS)
    ]


def planned(pilot: Measured, name: str, workers: int) -> PlannedStage:
    """Return a stage as fast as it was in the pilot; ``chain`` is both after one another."""
    names = ("speak", "score") if name == "chain" else (name,)
    seconds = [pilot.mean(one) for one in names]
    variance = [(s * pilot.spread(one)) ** 2 for s, one in zip(seconds, names, strict=True)]
    return PlannedStage(
        name,
        workers,
        seconds_per_request=sum(seconds),
        spread=sum(variance) ** 0.5 / sum(seconds),
        batch=pilot.batch,
    )


def compared(
    name: str, run: Measured, stages: Sequence[PlannedStage], start_s: float = 0.0
) -> list[dict[str, Any]]:
    """Return the rows of a run: its time, and each stage's share of work, against the simulation.

    ``start_s`` is within the simulated times and not within the run's.
    """
    outcomes = simulated(stages, run.rows)
    took = [one.seconds - start_s for one in outcomes]
    rows = [_row(f"{name}_time", run.worked_s, took, "s")]
    for stage in stages:
        names = ("speak", "score") if stage.name == "chain" else (stage.name,)
        real = 100 * sum(map(run.total, names)) / (stage.devices * run.worked_s)
        shares = [
            100 * one.stages[stage.name].time[Doing.WORKING] * one.seconds / (one.seconds - start_s)
            for one in outcomes
        ]
        rows.append(_row(f"{name}_{stage.name}_at_work", real, shares, "%"))
    return rows


def _row(name: str, real: float, found: Sequence[float], unit: str) -> dict[str, Any]:
    low, middle, high = np.percentile(found, [5, 50, 95])
    return {
        "name": name,
        "value": round(real, 1),
        "unit": unit,
        "against": f"simulated: {middle:.1f} {unit}, nine in ten {low:.1f} to {high:.1f}",
        "ratio": round(real / float(middle), 3),
    }


def ray_pools(rows: int = 300) -> list[dict[str, Any]]:
    """A pool a stage on Ray, which only take time: the teacher binds, then the scorers do."""
    engine = RayEngine(num_cpus=8)
    pilot, _ = run_asleep(engine, PILOT, 1, 1)
    found = []
    for name, scorers in (("teacher_binds", 3), ("scorer_binds", 1)):
        run, _ = run_asleep(engine, rows, SPEAKERS, scorers)
        stages = [planned(pilot, "speak", SPEAKERS), planned(pilot, "score", scorers)]
        found += compared(f"ray_{name}", run, stages)
    return found


def inline_workers(rows: int = 300) -> list[dict[str, Any]]:
    """Worker processes of the inline engine, which only take time."""
    pilot, _ = run_asleep(InlineEngine(workers=1), PILOT, 1, 1)
    run, _ = run_asleep(InlineEngine(workers=SPEAKERS), rows, SPEAKERS, 1)
    return compared("inline", run, [planned(pilot, "chain", SPEAKERS)])


def losing_workers(rows: int = 1000, life_s: float = 40.0) -> list[dict[str, Any]]:
    """The same, and each worker is killed after 40 s on average; none before it has begun."""
    pilot, _ = run_asleep(InlineEngine(workers=1), PILOT, 1, 1)
    run, killer = run_asleep(InlineEngine(workers=SPEAKERS), rows, SPEAKERS, 1, life_s)
    kills, missed_s = len(killer.missed_s), float(np.mean(killer.missed_s))
    lived_s = SPEAKERS * run.worked_s - kills * missed_s
    chain = replace(
        planned(pilot, "chain", SPEAKERS), losses_per_hour=3600 * kills / lived_s, load_s=missed_s
    )
    told = {
        "name": "inline_losing_killed",
        "value": kills,
        "unit": "workers",
        "against": f"each was missed for {missed_s:.1f} s; {run.rows} of {rows} rows came once",
        "ratio": None,
    }
    return [told, *compared("inline_losing", run, [chain], missed_s)]


class Killer:
    """Kills workers that have left a mark, each after an exponential life, while in its block."""

    def __init__(self, marks: Path, life_s: float | None) -> None:
        self.missed_s: list[float] = []
        self._marks = marks
        self._life_s = life_s
        self._chance = random.Random(0)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, args=(life_s,), daemon=True)

    def __enter__(self) -> "Killer":
        if self._life_s is not None:
            self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        if self._life_s is not None:
            self._thread.join()

    def _watch(self, life_s: float) -> None:
        """Draw each new worker's life and end it; its successor's mark says how long it was missed.

        Workers are alike, so the successor of the longest dead is the next that comes.
        """
        ends: dict[str, float] = {}
        missing: list[float] = []
        while not self._over.wait(0.02):
            now = time.monotonic()
            for mark in self._marks.iterdir():
                if mark.name not in ends:
                    ends[mark.name] = now + self._chance.expovariate(1 / life_s)
                    if missing:
                        self.missed_s.append(now - missing.pop(0))
            for pid in [pid for pid, end in ends.items() if end <= now]:
                os.kill(int(pid), signal.SIGKILL)
                ends[pid] = float("inf")
                missing.append(now)


def real_models(rows: int = 160) -> list[dict[str, Any]]:
    """The fast teacher, the recogniser and other scorers, in one process and then in two.

    The machine has two cores, but one memory: what the second process costs the first is not
    known to the simulation.
    """
    settings = load_settings(
        ["teacher=fast", "filters=recogniser", "quotas.dialects=[en-US]", "score.batch_size=4"]
    )
    open_teacher, teacher = make_teacher(settings)
    job = make_job(settings, open_teacher, teacher)
    requests = make_plan(settings, teacher).requests.slice(0, rows)

    def run_of(workers: int, asked: pa.Table) -> Measured:
        with tempfile.TemporaryDirectory() as folder:
            voices = Corpus.create(Path(folder) / "corpus").voices()
            whole = pipeline_of(job, asked.schema, voices)
            marks = Path(folder) / "marks"
            marks.mkdir()
            marked = Pipeline(whole.source, (*whole.stages, LeaveMark(str(marks))))
            return measured(InlineEngine(workers=workers), marked, asked, marks, workers)

    pilot = run_of(1, requests.slice(0, rows // 4))
    return compared("real_models", run_of(2, requests), [planned(pilot, "chain", 2)])


MEASURES = (inline_workers, losing_workers, ray_pools, real_models)


def main() -> None:
    """Measure all, print the table and keep it."""
    rows = [machine()]
    for measure in MEASURES:
        others = psutil.cpu_percent(10)
        told = {"name": f"others_before_{measure.__name__}", "value": others, "unit": "%"}
        rows += [told | {"against": "of the cores were at other work", "ratio": None}, *measure()]
    RESULTS.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
    table = Table("name", "value", "unit", "against", "ratio")
    for row in rows:
        table.add_row(*(str("" if value is None else value) for value in row.values()))
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
