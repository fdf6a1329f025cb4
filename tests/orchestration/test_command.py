"""The command speaks in sentences, and the README's commands work."""

import json
import re
import shlex
from pathlib import Path

import pytest

from lauter.orchestration.command import run
from lauter.orchestration.settings import known_keys, load_settings

ROOT = Path(__file__).resolve().parent.parent.parent
SMALL = [
    "teacher=fast",
    "quotas.dialects=[en-US,ja-JP]",
    "quotas.manners=[{count: 2},{count: 1, emotion: joy, emotion_level: 2}]",
    "engine.workers=0",
]


def complaint(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert run(list(words)) == 2
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return captured.err


def test_an_unknown_command_is_answered_with_the_nearest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "did you mean 'synthesize'?" in complaint(capsys, "synthesise")


def test_an_unknown_key_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert "did you mean speak.timeout_s?" in complaint(capsys, "plan", "speak.timeout=3")
    assert "did you mean teacher=studio?" in complaint(capsys, "plan", "teacher=studios")
    assert "write key=value" in complaint(capsys, "plan", "corpus")


def test_a_wrong_type_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert "speak.attempts=many does not fit" in complaint(capsys, "plan", "speak.attempts=many")


def test_a_missing_corpus_policy_and_dialect_are_sentences(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    nowhere = f"corpus={tmp_path / 'nowhere'}"
    for command in ("judge", "export", "audit"):
        assert "is no corpus" in complaint(capsys, command, nowhere)
    missing = complaint(capsys, "synthesize", nowhere, "policy.path=none.yaml", *SMALL)
    assert "there is no policy file none.yaml" in missing
    dialect = complaint(capsys, "plan", nowhere, "quotas.dialects=[klingon]")
    assert "there is no dialect 'klingon'" in dialect


def test_a_policy_that_names_an_unknown_score_is_a_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "name: mine\ngates:\n  - {gate: words, score: werr, at_most: 0.2, reason: too many wrong}\n"
    )
    words = ["synthesize", f"corpus={tmp_path / 'c'}", f"policy.path={policy}", *SMALL]
    assert "reads the score 'werr', which no scorer measures" in complaint(capsys, *words)
    assert not (tmp_path / "c").exists()


def test_every_setting_stands_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["synthesize", "--help"]) == 0
    shown = capsys.readouterr().out
    assert all(key.rsplit(".", 1)[-1] in shown for key in known_keys())
    assert load_settings([]).seed == 0


@pytest.mark.slow
def test_the_way_from_prompts_to_shards_and_report(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    corpus = f"corpus={tmp_path / 'corpus'}"
    assert run(["plan", corpus, *SMALL]) == 0
    assert "6 requests planned" in capsys.readouterr().out
    assert run(["synthesize", corpus, *SMALL]) == 0
    assert "added 6 rows" in capsys.readouterr().out
    assert run(["synthesize", corpus, *SMALL]) == 0
    assert "added 0 rows" in capsys.readouterr().out
    account = json.loads((tmp_path / "corpus" / "run.json").read_text())
    assert account["summary"]["asked"] == 6 and account["requests"]["already_there"] == 6
    assert run(["judge", corpus, "policy=permissive"]) == 0
    assert run(["export", corpus, f"export.folder={tmp_path / 'shards'}"]) == 0
    assert (tmp_path / "shards" / "README.md").read_text().count("# Data card") == 1
    again = complaint(capsys, "export", corpus, f"export.folder={tmp_path / 'shards'}")
    assert "is there already" in again
    assert run(["audit", corpus, f"audit.page={tmp_path / 'audit.html'}"]) == 0
    page = (tmp_path / "audit.html").read_text()
    assert page.count("<audio") >= 2
    assert not re.search(r"""(src|href|url\()=?["']?\s*(https?:|//)""", page)


def test_the_commands_of_the_readme_are_known_and_their_settings_hold() -> None:
    text = (ROOT / "README.md").read_text()
    commands = re.findall(r"^\.venv/bin/lauter (.+)$", text, re.MULTILINE)
    assert len(commands) >= 8
    for command in commands:
        name, *overrides = shlex.split(command)
        assert (ROOT / "orchestration/commands" / f"{name}.py").exists() or name == "import"
        load_settings(overrides)
