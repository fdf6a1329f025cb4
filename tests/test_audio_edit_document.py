"""The commands of docs/audio_edit.md do what it says, in their order, with few texts and steps."""

import json
import shlex
from pathlib import Path

import pytest
from documents import ROOT, code_blocks

from lauter.datasets.corpus import Corpus
from lauter.orchestration.command import run

SMALL = {
    "synthesize": [
        "prompts.count=12", "engine.workers=0",
        "quotas.manners=[{count: null},{count: null, emotion: joy, emotion_level: 1}]",
    ],
    "export": ["export.valid=0.2", "export.test=0.2"],
    "distill": ["distill.steps=2", "distill.evaluate_every=0", "distill.tensorboard=false"],
    "evaluate": ["evaluate.count=1", "evaluate.edits=[joy+1]", "evaluate.resamples=100"],
}  # fmt: skip


@pytest.mark.slow
def test_the_commands_of_the_document_run_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    # The shipped student is named as it lies in the sources.
    (tmp_path / "student").symlink_to(ROOT / "student")
    lines = [line for block in code_blocks("docs/audio_edit.md") for line in block.splitlines()]
    assert [shlex.split(line)[1] for line in lines] == [
        "synthesize", "codec", "export", "distill", "edit", "evaluate",
    ]  # fmt: skip
    for line in lines:
        program, *words = shlex.split(line)
        assert program == "lauter"
        if words[0] == "edit":
            (row,) = next(Corpus.open("levels").scan(["audio"])).slice(0, 1).to_pylist()
            Path("clip.flac").write_bytes(row["audio"])
        code = run([*words, *SMALL.get(words[0], [])])
        assert code == 0, (line, capsys.readouterr())
    assert {path.name for path in Path("edited").iterdir()} == {"1.wav", "2.wav", "3.wav"}
    assert json.loads(Path("evaluation/edits.json").read_text())["figures"].keys() == {"joy+1"}
