"""The folder of a run is gone on with, is not mixed with another, and loses no text."""

from pathlib import Path
from typing import Any

import pytest

from lauter.datasets.errors import UsageError
from lauter.teacher.writer.folder import RunFolder

ASKED = {"count": 3, "seed": 0}


def row(number: int) -> dict[str, Any]:
    return {"text": f"第{number}句话。", "text_id": f"id-{number}"}


def written(folder: Path, *numbers: int) -> str:
    with RunFolder(folder, ASKED) as opened:
        for number in numbers:
            opened.keep(row(number))
    return (folder / "texts.jsonl").read_text(encoding="utf-8")


def test_a_text_that_is_there_is_not_written_twice(tmp_path: Path) -> None:
    first = written(tmp_path / "run", 1, 2)
    assert written(tmp_path / "run", 1, 2, 3).startswith(first)
    assert written(tmp_path / "run", 1, 2, 3).count("\n") == 3


def test_half_a_line_of_a_killed_run_is_cut_off_and_written_again(tmp_path: Path) -> None:
    whole = written(tmp_path / "run", 1, 2)
    file = tmp_path / "run" / "texts.jsonl"
    file.write_bytes(whole.encode()[:-9])
    assert written(tmp_path / "run", 1, 2) == whole


def test_a_folder_of_another_run_is_refused_with_what_differs(tmp_path: Path) -> None:
    written(tmp_path / "run", 1)
    with pytest.raises(UsageError, match=r"asked for otherwise \(count\).*write\.known=\["):
        RunFolder(tmp_path / "run", ASKED | {"count": 4})


def test_what_was_asked_wrongly_and_gave_no_text_may_be_asked_otherwise(tmp_path: Path) -> None:
    written(tmp_path / "run")
    with RunFolder(tmp_path / "run", ASKED | {"count": 4}) as opened:
        opened.keep(row(1))


@pytest.mark.parametrize(
    "line", [b'{"text": "Mine."}', b'{"text_id": []}', b"[1]", b"Mine", b"\xe4"]
)
def test_an_edited_line_is_named(tmp_path: Path, line: bytes) -> None:
    whole = written(tmp_path / "run", 1, 2)
    (tmp_path / "run" / "texts.jsonl").write_bytes(whole.encode() + line + b"\n")
    with pytest.raises(UsageError, match=r"texts\.jsonl was edited in line 3: it (is|has) no"):
        written(tmp_path / "run", 1, 2)


@pytest.mark.parametrize(
    ("content", "line"), [("", 1), ("{", 1), ("[]", 1), ('{"count": 3,\n"seed": none}', 2)]
)
def test_an_edited_record_of_what_was_asked_is_named(
    tmp_path: Path, content: str, line: int
) -> None:
    written(tmp_path / "run", 1)
    (tmp_path / "run" / "asked.json").write_text(content)
    with pytest.raises(UsageError, match=rf"asked\.json was edited in line {line}: it is no"):
        written(tmp_path / "run", 1)


def test_somebody_s_other_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "diary.txt").write_text("Dear diary")
    with pytest.raises(UsageError, match="has other content"):
        RunFolder(tmp_path, ASKED)
    with pytest.raises(UsageError, match="is a file"):
        RunFolder(tmp_path / "diary.txt", ASKED)
