"""What marks cost a clip, in bytes and in time, and how fast a sound is looked for by its print."""

import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
from hibari import SAMPLE_RATE, Hibari

from lauter.datasets.audio import encode_flac
from lauter.datasets.marking import Marks, Synthetic, marked, marks_of, unmarked
from lauter.pipelines.sound_search import likenesses

SENTENCE = "The lighthouse keeper counted every ship that passed the island."
MARKS = Marks(
    Synthetic.YES, "0" * 32, "studio", "1" * 32, "af_heart", "Apache-2.0", "CC0-1.0", "2" * 32, "v1"
)
FRAMES = 80
"""Of a print of 3 s of speech."""
RUNS = 5


def marks_over_audio(repeats: int = 2000) -> Iterator[dict[str, Any]]:
    """Yield what a mark adds to a clip of speech, and what writing, reading and removing it take.

    Time is held against encoding the clip, which every clip goes through once.
    """
    samples = Hibari()(SENTENCE, seed=0)
    flac = encode_flac(samples, SAMPLE_RATE)
    with_mark = marked(flac, MARKS)
    yield {
        "name": "mark_bytes",
        "value": len(with_mark) - len(flac),
        "unit": "B a clip",
        "against": f"{len(flac)} bytes of FLAC, {len(samples) / SAMPLE_RATE:.2f} s",
        "ratio": round(len(with_mark) / len(flac), 4),
    }
    encoding_us = _microseconds(lambda: encode_flac(samples, SAMPLE_RATE), max(1, repeats // 20))
    for name, work in (
        ("mark_written", lambda: marked(flac, MARKS)),
        ("mark_read", lambda: marks_of(with_mark)),
        ("mark_removed", lambda: unmarked(with_mark)),
    ):
        value = _microseconds(work, repeats)
        yield {
            "name": name,
            "value": round(value, 1),
            "unit": "µs a clip",
            "against": f"encoding it, {encoding_us:.0f} µs",
            "ratio": round(value / encoding_us, 4),
        }


def sound_search(rows: int = 20_000) -> dict[str, Any]:
    """Return how many prints a second one sound is held against, at every shift."""
    noise = np.random.default_rng(0).integers(0, 2**32, rows * FRAMES, np.uint32)
    ends = np.arange(rows + 1, dtype=np.int32) * FRAMES
    prints = pa.ListArray.from_arrays(pa.array(ends), pa.array(noise))
    wanted = noise[:FRAMES].copy()
    parts = [prints.slice(start, 1024) for start in range(0, rows, 1024)]
    taken_s = _microseconds(lambda: [likenesses(wanted, part) for part in parts], 1) / 1e6
    return {
        "name": "sound_search",
        "value": round(rows / taken_s),
        "unit": "prints/s",
        "against": f"{rows} prints of {FRAMES} frames, one core",
        "ratio": round(taken_s / rows * 1e6, 2),
    }


def _microseconds(work: Callable[[], object], repeats: int) -> float:
    """Return the median over ``RUNS`` of what one piece of work takes."""
    taken = []
    for _ in range(RUNS):
        started = time.perf_counter()
        for _ in range(repeats):
            work()
        taken.append((time.perf_counter() - started) / repeats)
    return median(taken) * 1e6


if __name__ == "__main__":
    for row in [*marks_over_audio(), sound_search()]:
        print(row)
