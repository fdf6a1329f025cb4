"""The main job on real speech: three engines make one corpus, and a killed run goes on."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from workshop import EVERY_SCORER, job, small_plan, synthesized

from lauter.datasets.corpus import Corpus
from lauter.pipelines.engines.beam import BeamEngine
from lauter.pipelines.engines.inline import InlineEngine
from lauter.pipelines.engines.ray import RayEngine
from lauter.pipelines.summary import summarise
from lauter.pipelines.synthesize import synthesize
from lauter.teacher.fast import FastTeacher

COUNT = 4
"""Requests a dialect."""
TOLERANCE = 1e-4
"""Batching changes the order of sums in the speaker encoder; nothing else differs at all."""


def scores_of(corpus: Corpus) -> pa.Table:
    names = [field.name for scorer in EVERY_SCORER for field in scorer.fields]
    columns = [name for name in names if pa.types.is_floating(corpus.schema.field(name).type)]
    batches = list(corpus.scan(["request_id", *columns]))
    return pa.Table.from_batches(batches).sort_by("request_id")


@pytest.fixture(scope="module")
def inline(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return synthesized(tmp_path_factory.mktemp("inline") / "corpus", COUNT, None, EVERY_SCORER)


def test_every_request_is_spoken_measured_and_judged(inline: Corpus) -> None:
    summary = summarise(inline)
    assert summary.asked == summary.spoken == 2 * COUNT
    assert summary.accepted > 0
    assert {cell.dialect for cell in summary.cells} == {"en-US", "ja-JP"}
    assert inline.count("speaker_similarity > 0.5") == 2 * COUNT
    assert not summary.not_measured
    assert inline.voices().num_rows == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "engine",
    [InlineEngine(workers=2), RayEngine(num_cpus=4), BeamEngine()],
    ids=["inline-2-workers", "ray", "beam"],
)
def test_another_engine_makes_the_same_corpus(
    engine: InlineEngine | RayEngine | BeamEngine, inline: Corpus, tmp_path: Path
) -> None:
    other = synthesized(tmp_path / "corpus", COUNT, engine, EVERY_SCORER)
    assert other.digest() == inline.digest()  # ids, audio to the bit, verdicts
    ours, theirs = scores_of(inline), scores_of(other)
    assert ours["request_id"].equals(theirs["request_id"])
    for name in ours.column_names[1:]:
        np.testing.assert_allclose(
            ours[name].to_numpy(), theirs[name].to_numpy(), atol=TOLERANCE, rtol=0
        )


def test_a_finished_plan_asks_for_nothing_again(inline: Corpus) -> None:
    before = inline.digest()
    assert synthesize(job(), small_plan(COUNT), FastTeacher(), inline) == 0
    assert inline.digest() == before


def test_a_policy_that_reads_what_was_not_measured_says_so(tmp_path: Path) -> None:
    summary = summarise(synthesized(tmp_path / "corpus", 1))
    assert summary.not_measured == dict.fromkeys(("duration", "mos", "asr", "prosody"), 2)


RUN = """
import sys
from pathlib import Path
from counting_teacher import CountingTeacher
from functools import partial
from workshop import job, small_plan
from lauter.datasets.corpus import Corpus
from lauter.pipelines.engines.inline import InlineEngine
from lauter.pipelines.engines.ray import RayEngine
from lauter.pipelines.speak import Speak
from lauter.pipelines.stage import Resources
from lauter.pipelines.synthesize import synthesize
from lauter.teacher.fast import FastTeacher

if __name__ == "__main__":
    folder, calls, engine = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    engines = {"inline": InlineEngine(workers=2), "ray": RayEngine(num_cpus=4)}
    speaking = Speak(partial(CountingTeacher, calls), Resources(batch_size=2))
    corpus = Corpus.create(folder, exist_ok=True)
    made = job(engines[engine], speaking=speaking, rows_per_commit=4)
    synthesize(made, small_plan(int(sys.argv[4])), FastTeacher(), corpus)
"""


def start(script: Path, *arguments: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(script), *map(str, arguments)],
        start_new_session=True,
    )


def committed(folder: Path) -> list[str]:
    """The ids in a corpus; none where not even the corpus was made."""
    if not (folder / "corpus.json").exists():
        return []
    batches = Corpus.open(folder).scan(["request_id"])
    return [request_id for batch in batches for request_id in batch["request_id"].to_pylist()]


def times_asked(calls: Path) -> dict[str, int]:
    """How often the teacher was asked for each request, by all processes until now."""
    return {file.name: file.stat().st_size for file in calls.iterdir()}


@pytest.mark.slow
def test_a_run_killed_at_ten_random_moments_ends_like_an_uninterrupted_one(
    tmp_path: Path,
) -> None:
    count = 75
    script = tmp_path / "run.py"
    script.write_text(RUN)
    calls = tmp_path / "calls"
    calls.mkdir()
    folder = tmp_path / "corpus"
    chance = random.Random(0)
    planned = small_plan(count).requests["request_id"].to_pylist()
    asked_before: dict[str, int] = {}
    found_at_kills = []
    for _ in range(10):
        # At a random moment of its progress, not of the clock, which a busy machine stretches.
        enough = len(times_asked(calls)) + chance.randint(1, 20)
        process = start(script, folder, calls, "inline", count)
        while len(times_asked(calls)) < enough and process.poll() is None:
            time.sleep(0.02)
        time.sleep(chance.uniform(0.0, 0.3))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        asked = times_asked(calls)
        again = [i for i, times in asked_before.items() if asked[i] != times]
        assert not again, "a committed request was decoded again"
        kept = committed(folder)
        assert len(kept) == len(set(kept))
        found_at_kills.append(len(kept))
        asked_before = {request_id: asked[request_id] for request_id in kept}
    assert any(0 < found < len(planned) for found in found_at_kills), "no kill met a half-done run"
    assert start(script, folder, calls, "inline", count).wait() == 0
    assert sorted(committed(folder)) == sorted(planned)
    assert Corpus.open(folder).digest() == synthesized(tmp_path / "whole", count).digest()


@pytest.mark.slow
def test_a_killed_ray_actor_and_a_killed_ray_driver_lose_and_double_nothing(
    tmp_path: Path,
) -> None:
    import psutil

    count = 60
    script = tmp_path / "run.py"
    script.write_text(RUN)
    calls = tmp_path / "calls"
    calls.mkdir()
    folder = tmp_path / "corpus"

    def spoken() -> int:
        return len(list(calls.iterdir()))

    def wait_for(number: int, process: subprocess.Popen[bytes]) -> None:
        while spoken() < number and process.poll() is None:
            time.sleep(0.02)

    driver = start(script, folder, calls, "ray", count)
    wait_for(10, driver)
    actors = [
        child
        for child in psutil.Process(driver.pid).children(recursive=True)
        if "MapWorker" in " ".join(child.cmdline())
    ]
    assert actors, "no actor was running"
    actors[0].kill()
    wait_for(spoken() + 12, driver)
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()
    kept = committed(folder)
    assert len(kept) == len(set(kept))
    before = times_asked(calls)
    assert start(script, folder, calls, "ray", count).wait() == 0
    after = times_asked(calls)
    assert all(after[i] == before[i] for i in kept), "a committed request was decoded again"
    assert Corpus.open(folder).digest() == synthesized(tmp_path / "whole", count).digest()
