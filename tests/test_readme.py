"""Every command and every line of Python in the README does what it says.

The commands run as they are written, but with the fast teacher, few prompts and no recogniser.
"""

import json
import re
import shlex
from pathlib import Path

import pytest
from documents import ROOT, code_blocks, linked_files

from lauter.datasets.corpus import Corpus
from lauter.orchestration.command import COMMANDS, run

SMALL = {
    "synthesize": ["teacher=fast", "filters=fast", "quotas.dialects=[en-US]"],
    "preview": ["filters=fast", "preview.count=2"],
    "import": ["filters=fast", "source.origin.dialect=en-US"],
    "distill": ["distill.steps=2", "distill.evaluate_every=0"],
    "evaluate": ["evaluate.count=2", "evaluate.against=null", "evaluate.resamples=100"],
}
SPEAKS = ("synthesize", "preview", "import")
PHRASES = ["prompts.count=60", "engine.workers=0"]
ELSEWHERE = {
    "codec train", "codec report", "teach", "serve", "scaling", "trace", "derive", "edit",
    "consent trace", "consent grant", "consent withdraw", "voices add", "voices check",
}  # fmt: skip
"""Shown in other documents, and run by the tests of their own."""
FEW = ["quotas.manners=[{count: 2},{count: 1, emotion: joy, emotion_level: 2}]", "engine.workers=0"]


def commands() -> list[str]:
    return [line for block in code_blocks("README.md") for line in block.splitlines()]


@pytest.mark.slow
def test_the_commands_of_the_readme_run_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    texts = [{"text": f"This is sentence number {n}.", "language": "en"} for n in (1, 2, 3)]
    (tmp_path / "texts.jsonl").write_text("".join(json.dumps(text) + "\n" for text in texts))
    asked = [line for line in commands() if not line.startswith("make ")]
    assert {name_of(line) for line in asked} == set(COMMANDS) - ELSEWHERE
    for line in asked:
        program, *words = shlex.split(line)
        assert program == ".venv/bin/lauter"
        name = name_of(line)
        if name == "import":
            write_manifest(Corpus.open("my-corpus"), tmp_path)
        if "recipe=phrases" in words and name == "synthesize":
            words += PHRASES
        elif "recipe=emotions-5-levels" in words:
            joy = "quotas.manners=[{count: 1, emotion: joy, emotion_level: 2}]"
            words += [*SMALL[name], joy, "engine.workers=0"]
        else:
            words += [*SMALL.get(name, []), *(FEW if name in SPEAKS else [])]
        code = run(words)
        # After two steps a student does not know how to end, and `lauter speak` says so.
        assert code == (3 if name == "speak" else 0), (line, capsys.readouterr())
    for made in (
        "preview/preview.html", "my-audit.html", "my-shards/README.md",
        "evaluation/evaluation.html", "maria.wav", "my-texts/texts.jsonl", "my-lineage.html",
    ):  # fmt: skip
        assert (tmp_path / made).is_file()
    assert Corpus.open("my-corpus").count() == 6 and Corpus.open("imported").count() == 6
    capsys.readouterr()
    (example,) = code_blocks("README.md", "python")
    exec(compile(example.replace("accepted=False", "accepted=True"), "README.md", "exec"), {})
    assert "This is sentence number" in capsys.readouterr().out


def name_of(line: str) -> str:
    """Return the command of a line, which may have a second word."""
    words = shlex.split(line)[1:3]
    return " ".join(words) if " ".join(words) in COMMANDS else words[0]


def write_manifest(corpus: Corpus, folder: Path) -> None:
    """Write the corpus's speech as another house's manifest."""
    lines = []
    for batch in corpus.scan(["audio", "text", "duration_s"]):
        for number, row in enumerate(batch.to_pylist(), start=len(lines)):
            (folder / f"{number}.flac").write_bytes(row["audio"])
            told = {"audio_filepath": f"{number}.flac", "duration": row["duration_s"]}
            lines.append(json.dumps(told | {"text": row["text"]}) + "\n")
    (folder / "manifest.jsonl").write_text("".join(lines))


def test_the_two_commands_are_targets_and_the_demo_makes_what_the_readme_promises() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = [line.split()[1] for line in commands() if line.startswith("make ")]
    assert targets == ["demo", "test"]
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
    for place in ("corpus", "shards", "audit.html", "student", "evaluation"):
        assert f"runs/demo/{place}" in makefile
        assert f"| `{place}" in (ROOT / "README.md").read_text()


def test_the_page_of_the_architecture_lists_every_command() -> None:
    head = (ROOT / "docs/architecture.md").read_text().split("orchestration/", 1)[1].split("──")[0]
    told = {
        f"{words[0]} {second}" if second else words[0]
        for listed in re.split(r"\||\n", head.replace("lauter", ""))
        if (words := listed.replace(",", "").split())
        for second in words[1:] or [""]
    }
    assert told == set(COMMANDS)


@pytest.mark.parametrize(
    "document",
    [
        "README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/audio_edit.md",
        "docs/serving.md", "docs/clusters.md", "docs/stores.md", "docs/provenance.md",
        "docs/lineage.md", "docs/recipes.md", "docs/voices.md", "docs/singing.md",
        "docs/writing.md", "docs/codec.md", "docs/student.md", "docs/results.md",
    ],
)  # fmt: skip
def test_what_a_document_links_to_is_there(document: str) -> None:
    for link in linked_files(document):
        assert (ROOT / document).parent.joinpath(link.split("#")[0]).exists(), link
    assert all(file.stat().st_size < 200_000 for file in (ROOT / "docs/images").iterdir())
