"""Folders appear whole or not at all, and nobody's work is overwritten."""

import errno
from pathlib import Path

import pytest

from lauter.datasets.errors import UsageError
from lauter.datasets.whole_folder import written_whole


def test_a_folder_appears_when_it_is_whole(tmp_path: Path) -> None:
    with written_whole(tmp_path / "a" / "b") as hidden:
        (hidden / "file").write_text("x")
        assert not (tmp_path / "a" / "b").exists()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]
    assert (tmp_path / "a" / "b" / "file").read_text() == "x"


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "e").mkdir()
    (tmp_path / "e" / "mark").write_text("old")
    with (
        pytest.raises(KeyboardInterrupt),
        written_whole(tmp_path / "e", overwrite=True, marks=["mark"]) as hidden,
    ):
        (hidden / "mark").write_text("new")
        raise KeyboardInterrupt
    assert (tmp_path / "e" / "mark").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["e"]


def test_what_was_there_returns_where_the_new_folder_cannot_be_put(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "e").mkdir()
    rename = Path.rename

    def fails_for_the_new(path: Path, target: Path) -> Path:
        if path.name.endswith(".unfinished"):
            raise OSError(errno.EIO, "the disk is gone")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fails_for_the_new)
    with (
        pytest.raises(OSError, match="the disk is gone"),
        written_whole(tmp_path / "e", overwrite=True),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["e"]


def test_a_folder_is_overwritten_only_when_told_so_and_only_if_it_is_an_export(
    tmp_path: Path,
) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    beside_one = tmp_path / "their export"
    beside_one.mkdir()
    (beside_one / "mark").touch()
    (beside_one / "diary.txt").touch()
    for folder, overwrite, sentence in (
        (tmp_path, False, "set export.overwrite=true"),
        (tmp_path, True, "holds something else than an export"),
        (beside_one, True, r"holds something else than an export \(diary.txt\)"),
        (tmp_path / "thesis.txt", True, "is a file"),
        (tmp_path / "thesis.txt" / "e", True, "cannot be written: Not a directory"),
    ):
        with (
            pytest.raises(UsageError, match=sentence),
            written_whole(folder, overwrite=overwrite, marks=["mark"]),
        ):
            pass
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_an_export_is_replaced_through_a_link_to_it(tmp_path: Path) -> None:
    (tmp_path / "e").mkdir()
    (tmp_path / "e" / "mark").touch()
    (tmp_path / "link").symlink_to(tmp_path / "e")
    with written_whole(tmp_path / "link", overwrite=True, marks=["mark"]) as hidden:
        (hidden / "new").touch()
    assert (tmp_path / "link").is_symlink()
    assert [path.name for path in (tmp_path / "e").iterdir()] == ["new"]


def test_a_full_disk_is_a_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(UsageError, match="is full; nothing of the export was kept"),
        written_whole(tmp_path / "e"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []
