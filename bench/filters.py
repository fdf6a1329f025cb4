"""What judging and error rates cost over the bare thing, both measured in the same run.

`judge_over_arrow`: a million scored rows under the default policy, over one bare Arrow pass of the
same comparisons, each made once. `cer_over_jiwer`: 100,000 pairs over a loop of `jiwer.cer`; the
two are compared to the last digit. Times are the fastest of several runs, the jiwer loop's but one
run's. The very first judging of a process takes up to eight times as long, mostly for memory that
the system has yet to give. Run it as `python bench/filters.py`.
"""

import functools
import random
import time
from collections.abc import Callable
from typing import Any

import jiwer
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lauter.filters.error_rate import character_error_rates
from lauter.filters.gates import judge
from lauter.filters.policy import Bounds, Policy, load_policy

ROWS = 1_000_000
PAIRS = 100_000
RUNS = 5

_TYPICAL = {
    "duration_s": (3.0, 1.0),
    "pace": (1.0, 0.2),
    "speech_ratio": (0.85, 0.1),
    "leading_silence_s": (0.3, 0.2),
    "trailing_silence_s": (0.4, 0.3),
    "clipped_ratio": (0.0, 0.002),
    "energy_db": (-25.0, 5.0),
    "mos": (3.1, 0.3),
    "asr_language_probability": (0.9, 0.1),
    "wer": (0.05, 0.08),
    "cer": (0.04, 0.08),
    "syllable_error_rate": (0.04, 0.08),
    "speaker_similarity": (0.85, 0.08),
    "emotion_margin": (1.0, 0.6),
    "speed_margin": (0.9, 0.5),
}
"""Mean and deviation of each score; about a third of the rows fails some gate."""


def scored_rows(count: int = ROWS) -> pa.Table:
    """Return made-up scores, one in fifty not applicable, one row in two hundred unspoken."""
    chance = np.random.default_rng(0)
    columns = {
        "request_id": pa.array([f"{number:032x}" for number in range(count)]),
        "language": pa.array(chance.choice(["en", "zh", "ja"], count)),
        "emotion": pa.array(chance.choice(["neutral", "joy", "sadness", "anger"], count)),
        "style": pa.array(chance.choice(["plain", "rap", "sung"], count, p=[0.9, 0.05, 0.05])),
        "emotion_level": pa.array(chance.integers(0, 6, count), pa.int8()),
        "speed_level": pa.array(chance.integers(-5, 6, count), pa.int8()),
        "error_kind": pa.array(np.full(count, "failed"), mask=chance.random(count) > 0.005),
        "duplicate_of": pa.array(np.full(count, "0" * 32), mask=chance.random(count) > 0.01),
    }
    for score, (mean, deviation) in _TYPICAL.items():
        figures = chance.normal(mean, deviation, count)
        columns[score] = pa.array(figures, mask=chance.random(count) < 0.02)
    return pa.table(columns)


def bare_pass(rows: pa.Table, policy: Policy) -> pa.ChunkedArray:
    """Return who is accepted by the policy's gates, and nothing of why the others are not."""
    masks: dict[tuple[str, tuple[Any, ...]], pa.ChunkedArray] = {}

    def among(column: str, values: tuple[Any, ...]) -> pa.ChunkedArray:
        if (column, values) not in masks:
            equal = [pc.equal(rows[column], value) for value in values]
            masks[column, values] = functools.reduce(pc.or_, equal)
        return masks[column, values]

    def within(score: str, bounds: Bounds) -> pa.ChunkedArray:
        sides = []
        if np.isfinite(bounds.lower):
            sides.append(pc.greater_equal(rows[score], bounds.lower))
        if np.isfinite(bounds.upper):
            sides.append(pc.less_equal(rows[score], bounds.upper))
        return functools.reduce(pc.and_, sides)

    accepted = pc.is_null(rows["error_kind"])
    for gate in policy.gates:
        passes = pc.is_null(rows[gate.score]) if gate.absent else within(gate.score, gate.bounds)
        for piece in gate.slices:
            inside = among(piece.column, piece.values)
            passes = pc.if_else(inside, within(gate.score, piece.bounds), passes)
        for column, values in gate.applies_to.items():
            passes = pc.or_(passes, pc.invert(among(column, values)))
        accepted = pc.and_(accepted, pc.fill_null(passes, True))
    return accepted


def text_pairs(count: int = PAIRS) -> tuple[list[str], list[str]]:
    """Return texts of 5 to 80 characters, and each with up to eight changes."""
    chance = random.Random(0)
    alphabet = "abcdefghijklmnopqrstuvwxyz     今天天气很好我们去公园"

    def changed(text: str) -> str:
        characters = list(text)
        for _ in range(chance.randint(0, 8)):
            position = chance.randrange(len(characters) + 1)
            lost = chance.choice([0, 1])
            characters[position : position + lost] = chance.choice(["", *alphabet])
        return "".join(characters)

    texts = ["".join(chance.choices(alphabet, k=chance.randint(5, 80))) for _ in range(count)]
    return texts, list(map(changed, texts))


def fastest(run: Callable[[], object], runs: int = RUNS) -> float:
    """Return the seconds of the fastest of several runs."""
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def judge_over_arrow() -> dict[str, Any]:
    """Measure judging; raises where the bare pass accepts other rows."""
    rows, policy = scored_rows(), load_policy("default")
    if judge(rows, policy)["accepted"].to_pylist() != bare_pass(rows, policy).to_pylist():
        raise AssertionError("the bare pass makes other comparisons than the policy")
    bare = fastest(lambda: bare_pass(rows, policy))
    return _result("judge_over_arrow", fastest(lambda: judge(rows, policy)), "bare Arrow", bare)


def cer_over_jiwer() -> dict[str, Any]:
    """Measure error rates; raises where one differs from jiwer's in the last digit."""
    texts, heard = text_pairs()
    started = time.perf_counter()
    plain = [jiwer.cer(text, other) for text, other in zip(texts, heard, strict=True)]
    bare = time.perf_counter() - started
    if character_error_rates(texts, heard).tolist() != plain:
        raise AssertionError("the error rates are not jiwer's")
    ours = fastest(lambda: character_error_rates(texts, heard))
    return _result("cer_over_jiwer", ours, "jiwer loop", bare)


def _result(name: str, value: float, against: str, bare: float) -> dict[str, Any]:
    return {
        "name": name,
        "value": round(value, 4),
        "unit": "s",
        "against": f"{against}: {bare:.4f} s",
        "ratio": round(value / bare, 4),
    }


if __name__ == "__main__":
    for measure in (judge_over_arrow, cer_over_jiwer):
        print(measure())
