"""Each stage of a codec's training has a file of its own, a line for each step."""

import json
from pathlib import Path
from typing import Any

from lauter.student.codec.training_log import TrainingLog


def told(folder: Path, *stages: tuple[str, int]) -> list[tuple[str, int, int]]:
    """Log so many steps of each stage; return what was passed on."""
    passed_on: list[tuple[str, int, int]] = []
    log = TrainingLog(folder, lambda stage, done, of, losses: passed_on.append((stage, done, of)))
    log("hearing", 32, 0, {})
    for stage, steps in stages:
        for step in range(steps):
            log(stage, step + 1, 3, {"loss": 1 / (step + 1)})
    return passed_on


def logged(folder: Path) -> dict[str, list[dict[str, Any]]]:
    return {
        path.stem: [json.loads(line) for line in path.read_text().splitlines()]
        for path in sorted(folder.iterdir())
    }


def test_each_step_has_a_line_and_is_passed_on(tmp_path: Path) -> None:
    passed_on = told(tmp_path / "training", ("codes", 2), ("flow", 1))

    assert passed_on == [("hearing", 32, 0), ("codes", 1, 3), ("codes", 2, 3), ("flow", 1, 3)]
    lines = logged(tmp_path / "training")
    assert {
        name: [(line["stage"], line["step"], line["steps"], line["loss"]) for line in of_stage]
        for name, of_stage in lines.items()
    } == {"codes": [("codes", 1, 3, 1.0), ("codes", 2, 3, 0.5)], "flow": [("flow", 1, 3, 1.0)]}
    assert all(line["seconds"] >= 0 for of_stage in lines.values() for line in of_stage)


def test_a_stage_that_begins_anew_takes_back_its_lines(tmp_path: Path) -> None:
    told(tmp_path, ("codes", 2), ("flow", 3), ("vocoder", 1))
    told(tmp_path, ("flow", 1))

    counts = {name: len(lines) for name, lines in logged(tmp_path).items()}
    assert counts == {"codes": 2, "flow": 1, "vocoder": 1}


def test_a_training_that_is_refused_before_its_first_step_leaves_no_log(tmp_path: Path) -> None:
    told(tmp_path / "training")

    assert not (tmp_path / "training").exists()
