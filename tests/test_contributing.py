"""The examples of CONTRIBUTING are whole: each runs as it stands, beside its imports."""

import sys
from pathlib import Path

import pyarrow as pa
import pytest
import yaml
from documents import code_blocks

from lauter.datasets.corpus import Corpus
from lauter.orchestration.command import run
from lauter.pipelines.engines.inline import InlineEngine
from lauter.pipelines.stage import Pipeline

IMPORTS, TEACHER, SCORER, STAGE = code_blocks("CONTRIBUTING.md", "python")
HERE = [
    "filters=fast",
    "engine.workers=0",
    "quotas.dialects=[en-US]",
    "quotas.manners=[{count: 2}]",
]


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The examples as modules in a folder that Python knows, which is where we stand."""
    for name, code in (("tone", TEACHER), ("peak", SCORER), ("count_characters", STAGE)):
        (tmp_path / f"{name}_example.py").write_text(f"{IMPORTS}\n\n{code}")
        monkeypatch.delitem(sys.modules, f"{name}_example", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_example_is_about_ten_lines() -> None:
    for code in (TEACHER, SCORER, STAGE):
        assert len([line for line in code.splitlines() if line.strip()]) <= 11


def test_the_teacher_is_previewed(written: Path) -> None:
    (configuration,) = code_blocks("CONTRIBUTING.md", "yaml")
    assert yaml.safe_load(configuration)["_target_"].endswith(".ToneTeacher")
    words = ["teacher=fast", "teacher._target_=tone_example.ToneTeacher", "policy=permissive"]
    assert run(["preview", *words, *HERE]) == 0
    (batch,) = Corpus.open("preview/corpus").scan(["teacher", "duration_s"])
    assert batch.to_pylist() == [{"teacher": "tone", "duration_s": 1.0}] * 2


def test_the_scorer_adds_its_column_and_its_fingerprint(written: Path) -> None:
    scorers = "filters.scorers=[{_target_: peak_example.PeakScorer, _partial_: true}]"
    words = ["teacher=fast", *HERE, scorers, "policy=permissive", "corpus=corpus"]
    assert run(["synthesize", *words]) == 0
    (batch,) = Corpus.open("corpus").scan(["peak", "peak_fingerprint"])
    assert all(0 < row["peak"] <= 1 for row in batch.to_pylist())
    assert batch["peak_fingerprint"].to_pylist() == ["peak-1"] * 2


def test_the_stage_runs_in_an_engine(written: Path) -> None:
    from count_characters_example import CountCharacters

    rows = pa.table({"text": ["good", "morning"]})
    pipeline = Pipeline(rows.schema, (CountCharacters(),))
    counted = pa.Table.from_batches(list(InlineEngine().run(pipeline, rows)))
    assert counted["characters"].to_pylist() == [4, 7]
    assert counted.schema.equals(pipeline.schema)
