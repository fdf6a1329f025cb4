"""The commands of docs/lineage.md and docs/recipes.md do what they say, in their order."""

import shlex
from pathlib import Path

import pytest
from documents import code_blocks

from lauter.datasets.corpus import Corpus
from lauter.orchestration.command import run

FEW = [
    "quotas.manners=[{count: 2, emotion: joy, emotion_level: 3}]", "quotas.dialects=[en-US]",
    "teacher=fast", "filters=fast", "policy=permissive", "engine.workers=0",
]  # fmt: skip
SMALL = {
    "synthesize": FEW,
    "derive": ["filters=fast", "policy=permissive", "engine.workers=0"],
}


def run_all(document: str, capsys: pytest.CaptureFixture[str]) -> None:
    for block in code_blocks(document):
        for line in block.splitlines():
            _, *words = shlex.split(line)
            code = run([*words, *SMALL.get(words[0], [])])
            assert code == 0, (line, capsys.readouterr())


@pytest.mark.slow
def test_chains_are_spoken_drawn_and_edited_further(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run_all("docs/lineage.md", capsys)
    assert (tmp_path / "lineage.html").is_file() and (tmp_path / "lineage.json").is_file()
    edits = {
        edit
        for batch in Corpus.open("chains").scan(["edit"], where="teacher = 'audio_edit'")
        for edit in batch["edit"].to_pylist()
    }
    assert edits == {
        "noise", "denoise", "silence", "trim silence", "remove emotion", "breathing", "laughter",
        "pause",
    }  # fmt: skip


@pytest.mark.slow
def test_a_recipe_is_planned_and_spoken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run_all("docs/recipes.md", capsys)
    assert "360 requests planned" in capsys.readouterr().out
    assert Corpus.open("emotions").count() == 8
