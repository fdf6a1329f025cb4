"""evaluation.json and utterances.parquet: a format that others may rely on."""

import json
from typing import Any

import pyarrow.compute as pc
import pytest
from evaluated_speech import evaluated

from lauter.datasets.marking import marks_of
from lauter.orchestration.evaluation.record import as_json, data_digest, utterances
from lauter.pipelines.evaluation_report import report
from lauter.student.evaluation import Bootstrap

pytestmark = pytest.mark.slow


def recorded(against: str | None = "teacher") -> dict[str, Any]:
    figures = report(evaluated(), against=against, margin=0.05, bootstrap=Bootstrap(200))
    text = as_json(
        figures, evaluated(), fingerprints={"student": "f00d", "codec": "c0de"}, device="a lathe",
        seed=7, settings={"margin": 0.05},
    )  # fmt: skip
    read: dict[str, Any] = json.loads(text)
    return read


def test_its_keys_are_these() -> None:
    record = recorded()
    assert list(record) == [
        "format", "made", "verdict", "texts", "not_heard", "systems", "comparisons", "slices",
        "score_errors", "bootstrap", "seed", "device", "fingerprints", "versions", "settings",
    ]  # fmt: skip
    assert list(record["verdict"]) == [
        "not_inferior", "against", "margin", "confidence", "difference", "sentence"
    ]  # fmt: skip
    assert list(record["systems"]) == ["teacher", "resynthesis", "student"]
    assert list(record["systems"]["student"]) == [
        "texts", "edits", "characters", "figures", "failures", "faults", "failed"
    ]  # fmt: skip
    assert list(record["systems"]["student"]["figures"]) == [
        "cer", "wer", "speaker_similarity", "real_time_factor"
    ]  # fmt: skip
    estimate = record["systems"]["student"]["figures"]["cer"]
    assert list(estimate) == ["value", "low", "high", "utterances"]
    assert list(record["comparisons"][0]) == ["system", "against", "differences", "cer_ratio"]
    assert list(record["comparisons"][0]["differences"]["cer"]) == [*estimate, "upper"]
    assert list(record["slices"][0]) == ["axis", "value", "texts", "systems", "difference"]
    assert list(record["fingerprints"]) == ["student", "codec", "scorers", "data"]
    assert record["bootstrap"] == {"resamples": 200, "seed": 0, "confidence": 0.95}


def test_it_says_what_was_found_and_by_whom() -> None:
    record = recorded()
    assert record["format"] == 1 and record["seed"] == 7 and record["device"] == "a lathe"
    assert record["verdict"]["not_inferior"] is False and record["verdict"]["against"] == "teacher"
    assert set(record["fingerprints"]["scorers"]) == {"asr", "error_rate", "speaker"}
    assert record["fingerprints"]["data"] == data_digest(evaluated())
    assert record["versions"]["lauter"]
    assert recorded(against=None)["verdict"] is None


def test_every_utterance_is_kept_so_that_the_figures_can_be_counted_again() -> None:
    table = utterances(evaluated(), {"student": "f00d"})
    record = recorded()
    for name, system in record["systems"].items():
        rows = table.filter(pc.and_(pc.equal(table["system"], name), table["applicable"]))
        edits, characters = (pc.sum(rows[column]).as_py() for column in ("edits", "characters"))
        assert (edits, characters) == (system["edits"], system["characters"])
        assert edits / characters == pytest.approx(system["figures"]["cer"]["value"], abs=1e-6)
    sounds = table["audio"].drop_null().to_pylist()
    assert {marks.teacher for sound in sounds if (marks := marks_of(sound))} == {
        "hibari", "resynthesis", "student",
    }  # fmt: skip
    assert table.num_rows == 15 and table["audio"].null_count == 1
    assert all(field.metadata[b"description"] for field in table.schema)
