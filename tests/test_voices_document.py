"""The commands of docs/voices.md do what it says, in their order."""

import json
import shlex
from pathlib import Path

import pytest
from documents import code_blocks
from recordings import sentences, written

from lauter.orchestration.command import run


@pytest.mark.slow
def test_the_commands_of_the_document_run_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "ada.wav", sentences("en", 4, first=5)[0])
    lines = [line for block in code_blocks("docs/voices.md") for line in block.splitlines()]
    assert len(lines) == 6
    for line in lines:
        words = shlex.split(line)[1:]
        assert run(words) == 0, capsys.readouterr()
    said = " ".join(capsys.readouterr().out.split())
    assert "ada (en-US): 1 recording; may be used for internal" in said
    assert "is withdrawn" in said and "may be used for research, until 2090-01-01" in said
    (told,) = code_blocks("docs/voices.md", "json")
    entry = json.loads(Path("voices.jsonl").read_text())
    assert entry.keys() == json.loads(told).keys()
    events = [json.loads(line)["event"] for line in Path("consents.jsonl").read_text().splitlines()]
    assert events == ["withdrawn", "granted"]
    assert json.loads(Path("trace.json").read_text())["voice"] == "ada"
