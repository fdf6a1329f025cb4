"""The commands of docs/serving.md do what it says, in their order."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
from documents import ROOT, code_blocks

from lauter.datasets.corpus import Corpus
from lauter.orchestration.command import run

LAUTER = str(Path(sys.executable).with_name("lauter"))
SMALL = {
    "synthesize": ["prompts.count=3", "filters=fast", "engine.workers=0"],
    "plan": ["quotas.manners=[{count: 5}]", "filters=fast", "engine.workers=0"],
}


@pytest.mark.slow
def test_the_commands_of_the_document_run_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [line for block in code_blocks("docs/serving.md") for line in block.splitlines()]
    serve, *others = [shlex.split(line.replace("student/shipped", f"{ROOT}/student/shipped"))[1:]
                      for line in lines]  # fmt: skip
    monkeypatch.chdir(tmp_path)
    with subprocess.Popen(
        [LAUTER, *serve, "serve.port=0"], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout
        url = server.stdout.readline().split(" on ")[1].split("/v1")[0]
        (client,) = code_blocks("docs/serving.md", "python")
        exec(client.replace("http://127.0.0.1:8765", url), {})
        assert soundfile.info("maria.wav").duration > 0.5
        for words in others:
            if "teacher=served" in words:
                words.append(f"teacher.completer.servers=[{url}]")
            assert run([*words, *SMALL.get(words[0], [])]) == 0, capsys.readouterr()
        server.terminate()
    said = capsys.readouterr().out
    assert "gave the same" in said or "in a crowd" in said
    assert "1 of 1 quotas are full" in said
    assert "foretold from 2 requests" in said
    record = json.loads(Path("served/run.json").read_text())
    assert record["summary"]["servers"][url]["ok"] == Corpus.open("served").count()
    assert record["cost"]["device_hours"] > 0
    assert json.loads(Path("piloted/forecast.json").read_text())["requests"]["middle"] >= 5
