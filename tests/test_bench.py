"""Measures of `make bench` run, at a small size, but for those that need Ray or minutes of speech.

How fast is not asserted.
"""

import importlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lauter.datasets.identity import digest
from lauter.datasets.records import Prompt, Request
from lauter.datasets.tags import Dialect
from lauter.pipelines.references import REFERENCE_TEXTS
from lauter.teacher.fast import FastTeacher

BENCH = Path(__file__).parents[1] / "bench"
COLUMNS = ["name", "value", "unit", "against", "ratio"]


@pytest.fixture(autouse=True)
def bench_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCH))
    monkeypatch.setenv("PYTHONPATH", str(BENCH))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "measure", "size"),
    [
        ("resume", "resume_over_hashing", 2000),
        ("memory", "memory_10x_over_1x", 30),
        ("loader", "loader_over_tar", 60),
        ("marking", "marks_over_audio", 20),
        ("marking", "sound_search", 3000),
    ],
)
def test_a_measure_gives_rows_of_the_table(file: str, measure: str, size: int) -> None:
    found = getattr(importlib.import_module(file), measure)(size)
    rows: list[dict[str, Any]] = [found] if isinstance(found, dict) else list(found)
    assert rows
    for row in rows:
        assert list(row) == COLUMNS
        assert row["value"] > 0
        assert row["ratio"] > 0


def test_every_measure_is_listed_where_it_is_defined() -> None:
    engine = importlib.import_module("engine")
    for file, measures in engine.MEASURES.items():
        module = importlib.import_module(file)
        assert all(callable(getattr(module, measure)) for measure in measures)
    assert {f"{file}.py" for file in engine.MEASURES} <= {path.name for path in BENCH.glob("*.py")}


def test_a_known_share_of_a_damaged_teachers_speech_is_damaged_by_each_kind_alike() -> None:
    teacher = importlib.import_module("damaged_teacher")
    ids = [digest("tests.damage", str(number))[:32] for number in range(6000)]
    found = Counter(map(teacher.damage_of, ids))
    for kind in teacher.KINDS:
        assert abs(found[kind] / 6000 - teacher.SHARE / 3) < 0.02
    assert found[None] + sum(found[kind] for kind in teacher.KINDS) == 6000


def test_damaged_speech_is_cut_or_as_loud_as_its_noise() -> None:
    teacher = importlib.import_module("damaged_teacher")
    samples = (0.05 * np.sin(np.arange(24_000) / 20)).astype(np.float32)
    chance = np.random.default_rng(0)
    for _ in range(20):
        cut = teacher._damaged(samples, "cut off", chance)
        assert 0.3 <= len(cut) / len(samples) <= 0.7
        assert np.array_equal(cut, samples[: len(cut)])
    noise = teacher._damaged(samples, "noise", chance) - samples
    assert np.square(noise).mean() == pytest.approx(np.square(samples).mean(), rel=0.05)
    assert teacher._damaged(samples, None, chance) is samples


def test_the_recording_that_shows_a_damaged_teachers_voice_is_whole() -> None:
    teacher = importlib.import_module("damaged_teacher").DamagedTeacher()
    whole = FastTeacher()
    text = REFERENCE_TEXTS[Dialect.EN_US]
    for seed in range(8):
        request = Request(Prompt(text, "en", "en-US"), "t", "f", seed).identified()
        (ours,), (theirs,) = teacher.speak([request]), whole.speak([request])
        assert np.array_equal(ours.samples, theirs.samples)
