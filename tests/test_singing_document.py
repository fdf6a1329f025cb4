"""The commands of docs/singing.md do what it says, in their order, on fewer and shorter songs."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from documents import ROOT, code_blocks

from lauter.datasets.corpus import Corpus
from lauter.orchestration.command import run

SMALL = {
    "bench/songs.py": ["--teacher", "fast", "--levels", "6", "--styles", "rap", "--lines", "3"],
    "import": ["engine.workers=0"],
}


@pytest.mark.slow
def test_the_commands_of_the_document_run_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [line for block in code_blocks("docs/singing.md") for line in block.splitlines()]
    for program, name, *words in map(shlex.split, lines):
        if program == "python":
            command = [sys.executable, str(ROOT / name), *words, *SMALL[name]]
            subprocess.run(command, check=True, env=None)
        else:
            assert run([name, *words, *SMALL.get(name, [])]) == 0, capsys.readouterr()
    said = capsys.readouterr().out
    assert "Lines of songs left after each step" in said and "17.8%" in said
    corpus = Corpus.open("my-singing")
    assert corpus.count() == 3
    shards = list(Path("my-singing-shards").rglob("*.tar"))
    assert len(shards) == 1, "one artist is in one split"
    card = Path("my-singing-shards/README.md").read_text()
    assert "Splits are drawn by speaker" in card
    (batch,) = corpus.scan(["speaker", "style", "text_licence"])
    assert set(batch["style"].to_pylist()) == {"rap"}
    assert set(batch["text_licence"].to_pylist()) == {"CC0-1.0"}
    assert json.loads(Path("my-singing/run.json").read_text())["added"] == 3
