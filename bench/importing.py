"""`import_over_pool`: speech made elsewhere, filtered into shards, over a plain process pool.

Both are given 2,400 clips of 3 s with transcripts and do the same: duration, energy, CER, keep what
has at most 0.2, write shards. Ours also keeps the rejects, reasons, ids and provenance. The script
and the inline engine begin in a process that has imported what they use; Ray is stated with its
start-up and without.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import import_pool
import ray

from lauter.datasets.corpus import Corpus
from lauter.datasets.imports import NemoManifest, Origin
from lauter.datasets.shards import export_webdataset
from lauter.filters.error_rate import ErrorRateScorer
from lauter.filters.level import LevelScorer
from lauter.filters.policy import parse_policy
from lauter.pipelines.bring_in import import_speech
from lauter.pipelines.engines.inline import InlineEngine
from lauter.pipelines.engines.protocol import Engine
from lauter.pipelines.engines.ray import RayEngine
from lauter.pipelines.stage import Resources

RUNS = 3
POLICY = f"""
name: bench
gates:
  - gate: characters
    score: cer
    at_most: {import_pool.MAX_CER}
    reason: What is said is not the text.
    examples: {{pass: [0.0], fail: [0.5]}}
"""


def import_over_pool(clips: int = import_pool.CLIPS) -> Iterator[dict[str, Any]]:
    """Yield a row for the inline engine and two for Ray: medians of ``RUNS`` runs in turn."""
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder:
        clip_folder = Path(folder) / "clips"
        import_pool.make_clips(clip_folder, clips)
        seconds: dict[str, list[float]] = {"script": [], "inline": [], "ray": []}
        started = time.perf_counter()
        RayEngine().start()
        ray_start_s = time.perf_counter() - started
        for run in range(RUNS):
            seconds["script"].append(import_pool.run(clip_folder, processes=cores))
            for name, engine, threads in (
                ("inline", InlineEngine(), cores),
                ("ray", RayEngine(), 1),
            ):
                target = Path(folder) / f"{name}-{run}"
                seconds[name].append(imported(clip_folder, target, engine, threads))
    ray.shutdown()
    bare_s = median(seconds["script"])
    inline_s, ray_s = median(seconds["inline"]), median(seconds["ray"])
    for name, value in (
        ("import_over_pool", inline_s),
        ("import_over_pool_ray", ray_s),
        ("import_over_pool_ray_with_start", ray_s + ray_start_s),
    ):
        yield {
            "name": name,
            "value": round(value, 2),
            "unit": "s",
            "against": f"a process-pool script with {cores} processes: {bare_s:.2f} s",
            "ratio": round(value / bare_s, 3),
        }


def imported(clips: Path, target: Path, engine: Engine, threads: int) -> float:
    """Return the seconds from a manifest to shards, and raise where rows were lost."""
    started = time.perf_counter()
    corpus = Corpus.create(target / "corpus")
    import_speech(
        NemoManifest(str(clips / import_pool.MANIFEST), origin=Origin(dialect="en-US")),
        corpus,
        open_scorers=(partial(LevelScorer), partial(ErrorRateScorer)),
        policy=parse_policy(POLICY),
        engine=engine,
        scoring=Resources(batch_size=64),
        threads=threads,
    )
    export_webdataset(corpus, target / "shards")
    taken = time.perf_counter() - started
    accepted = sum(corpus.verdicts()["accepted"].to_pylist())
    kept = len(list((clips / "pool").glob("*.tar")))
    assert accepted and kept and corpus.count() > accepted
    return taken
