"""The commands of docs/writing.md do what it says; its model is a fake behind a real server."""

import json
import shlex
from pathlib import Path

import pytest
from chat_server import Chat
from documents import code_blocks, linked_files
from live_server import LiveServer

from lauter.orchestration.command import run

SERVER = "http://127.0.0.1:8000"
SMALL = {"write": ["write.count=12"], "plan": ["teacher=fast", "prompts.count=12"]}


def test_the_commands_of_the_document_run_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WRITER_KEY", "s3cret")
    lines = [line for block in code_blocks("docs/writing.md") for line in block.splitlines()]
    assert len(lines) == 5
    with LiveServer(Chat(key="s3cret").app()) as server:
        for line in lines:
            program, *words = shlex.split(line.replace(SERVER, server.url))
            assert program == "lauter"
            small = [
                one for one in SMALL[words[0]] if "prompts=file" not in words or "=fast" in one
            ]
            assert run([*words, *small]) == 0, (line, capsys.readouterr())
    said = capsys.readouterr().out
    assert said.count("requests planned") == 2
    assert "repeats a text of an earlier run" in said
    texts = [json.loads(line) for line in Path("by-model/texts.jsonl").read_text().splitlines()]
    assert {row["emotion_level"] for row in texts} == {1, 3, 5}
    assert len(texts) == 36
    assert not linked_files("docs/writing.md")
