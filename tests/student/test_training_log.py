"""The log of a run that goes on is read line by line, whatever happens to it meanwhile."""

from pathlib import Path

from lauter.student.training_log import LogTail, TrainingLog


def test_each_whole_line_is_read_once(tmp_path: Path) -> None:
    tail = LogTail(tmp_path)
    assert tail.lines() == []
    with TrainingLog(tmp_path, after=0, tensorboard=False) as log:
        log.write(1, {"loss": 2.5})
        assert [line["step"] for line in tail.lines()] == [1] and tail.lines() == []
        log.write(2, {"loss": 2.0})
        log.write(3, {"loss": 1.5})
        assert [line["step"] for line in tail.lines()] == [2, 3]
    with (tmp_path / "log.jsonl").open("a") as half:
        half.write('{"step": 4, "ki')
        half.flush()
        assert tail.lines() == []
        half.write('nd": "train"}\n')
    assert [line["step"] for line in tail.lines()] == [4]


def test_a_log_that_was_cut_is_read_anew(tmp_path: Path) -> None:
    tail = LogTail(tmp_path)
    with TrainingLog(tmp_path, after=0, tensorboard=False) as log:
        for step in range(1, 6):
            log.write(step, {})
    assert len(tail.lines()) == 5
    with TrainingLog(tmp_path, after=2, tensorboard=False) as log:
        assert [line["step"] for line in tail.lines()] == [1, 2]
        log.write(3, {})
        assert [line["step"] for line in tail.lines()] == [3]
    # Cut, and grown past what was read before anybody looked again.
    with TrainingLog(tmp_path, after=1, tensorboard=False) as log:
        log.write(2, {"loss": 1.0})
        log.write(3, {"loss": 1.0})
    assert tail.lines() == []
    assert [line["step"] for line in tail.lines()] == [1, 2, 3]
