"""The commands of docs/provenance.md do what it says, in their order."""

import shlex
import tarfile
from pathlib import Path

import pytest
from documents import code_blocks

from lauter.datasets.marking import marks_of
from lauter.orchestration.command import run

SMALL = {"synthesize": ["teacher=fast", "filters=fast", "policy=permissive", "engine.workers=0"]}


def test_the_commands_of_the_document_run_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [line for block in code_blocks("docs/provenance.md") for line in block.splitlines()]
    for words in [shlex.split(line)[1:] for line in lines]:
        if words[0] == "trace":
            with tarfile.open("release/train/recording.000000.tar") as tar:
                file = tar.extractfile(tar.getmembers()[0])
                assert file
                Path("clip.flac").write_bytes(file.read())
        assert run([*words, *SMALL.get(words[0], [])]) == 0, capsys.readouterr()
    marks = marks_of(Path("clip.flac").read_bytes())
    assert marks is not None and (marks.release, marks.teacher) == ("v1", "fast")
    said = capsys.readouterr().out
    assert "clip.flac bears a mark" in said and "the corpus corpus has it: the same file" in said
    assert "the export release has it too" in said
