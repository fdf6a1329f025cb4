"""The log of a codec's training reads as if the training had never stopped."""

from pathlib import Path

from lauter.student.codec.training_log import TrainingLog, read_training_log


def told(folder: Path, *stages: tuple[str, int]) -> list[tuple[str, int, int]]:
    """Log so many steps of each stage; return what was passed on."""
    passed_on: list[tuple[str, int, int]] = []
    log = TrainingLog(folder, lambda stage, done, of, losses: passed_on.append((stage, done, of)))
    log("hearing", 32, 0, {})
    for stage, steps in stages:
        for step in range(steps):
            log(stage, step + 1, 3, {"loss": 1 / (step + 1)})
    return passed_on


def logged(folder: Path) -> list[tuple[str, int]]:
    return [(line["stage"], line["step"]) for line in read_training_log(folder)]


def test_each_step_has_a_line_and_is_passed_on(tmp_path: Path) -> None:
    passed_on = told(tmp_path / "training", ("codes", 2), ("flow", 1))

    assert passed_on == [("hearing", 32, 0), ("codes", 1, 3), ("codes", 2, 3), ("flow", 1, 3)]
    lines = read_training_log(tmp_path / "training")
    assert [(line["stage"], line["step"], line["steps"], line["loss"]) for line in lines] == [
        ("codes", 1, 3, 1.0), ("codes", 2, 3, 0.5), ("flow", 1, 3, 1.0)
    ]  # fmt: skip
    assert all(line["seconds"] >= 0 for line in lines)


def test_a_stage_that_begins_anew_takes_back_its_lines(tmp_path: Path) -> None:
    told(tmp_path, ("codes", 2), ("flow", 3), ("vocoder", 1))
    told(tmp_path, ("flow", 1))

    assert logged(tmp_path) == [("codes", 1), ("codes", 2), ("flow", 1), ("vocoder", 1)]


def test_half_a_line_of_a_killed_training_is_no_line(tmp_path: Path) -> None:
    told(tmp_path, ("codes", 3))
    log = tmp_path / "codes.jsonl"
    whole = log.read_text()
    log.write_text(whole + whole[:20])
    told(tmp_path, ("flow", 1))

    assert logged(tmp_path) == [("codes", 1), ("codes", 2), ("codes", 3), ("flow", 1)]


def test_a_training_that_is_refused_before_its_first_step_leaves_no_log(tmp_path: Path) -> None:
    told(tmp_path / "training")

    assert not (tmp_path / "training").exists()
