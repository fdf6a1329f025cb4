"""The command, asked in this process, and a corpus that it made."""

import shutil
from pathlib import Path

import pytest
from asking import Answer, Ask, settings_in

from lauter.orchestration.command import run


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Run the command; no answer may ever be a traceback."""
    monkeypatch.setenv("COLUMNS", "200")

    def answered(*words: str) -> Answer:
        code = run(words)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Answer(code, captured.out, captured.err)

    return answered


@pytest.fixture(scope="session")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of six utterances, judged by a picky policy; tests only read it."""
    folder = tmp_path_factory.mktemp("spoken")
    assert run(["synthesize", *settings_in(folder)]) == 0
    return folder / "corpus"


@pytest.fixture
def own(spoken: Path, tmp_path: Path) -> Path:
    """A copy of that corpus for a test that changes it."""
    return Path(shutil.copytree(spoken, tmp_path / "own"))
