"""Brackets in texts, names and paths are printed as they stand, never read as Rich's markup."""

import json
import shutil
from pathlib import Path

import pytest
from asking import TEXTS, Ask, settings_in, write_lines

PUZZLING = "Good [bold]morning[/red]."


@pytest.fixture
def bracketed(tmp_path: Path) -> list[str]:
    """Settings whose texts, gates and corpus have brackets in them."""
    words = settings_in(tmp_path)
    texts = [{"text": text, "language": "ja"} for text in TEXTS["ja"]]
    write_lines(tmp_path / "texts.jsonl", [{"text": PUZZLING, "language": "en"}, *texts])
    (tmp_path / "picky.yaml").write_text(
        "name: '[dim]mine[/dim]'\n"
        "gates: [{gate: '[/red]brief', score: duration_s, at_most: 0.1, reason: 'R [/b].'}]\n"
    )
    return [*words, "quotas.manners=[{count: 1}]"]


def test_brackets_of_a_text_stand_in_the_preview(
    ask: Ask, bracketed: list[str], tmp_path: Path
) -> None:
    answer = ask("preview", *bracketed, f"preview.folder={tmp_path / 'seen'}")
    assert answer.code == 0, answer
    assert PUZZLING in answer.out and "[/red]brief" in answer.out


@pytest.mark.parametrize("command", ["judge", "audit"])
def test_brackets_of_a_gate_stand_in_the_table(
    ask: Ask, own: Path, bracketed: list[str], tmp_path: Path, command: str
) -> None:
    page = tmp_path / "[bold].html"
    places = [f"corpus={own}", f"audit.page='{page}'"]
    judged = ask("judge", *bracketed, *places)
    answer = judged if command == "judge" else ask(command, *bracketed, *places)
    assert answer.code == 0, answer
    assert "[/red]brief" in answer.out
    assert command == "judge" or str(page) in answer.out


def test_brackets_of_a_path_stand_where_the_plan_is_told(
    ask: Ask, own: Path, bracketed: list[str], tmp_path: Path
) -> None:
    place = tmp_path / "[" / "red]corpus"
    shutil.copytree(own, place)
    answer = ask("plan", *bracketed, f"corpus={json.dumps(str(place))}")
    assert answer.code == 0, answer
    assert f"not in {place} yet" in answer.out


def test_brackets_stand_in_complaints(ask: Ask, tmp_path: Path) -> None:
    place = tmp_path / "[bold]none[/red]"
    answer = ask("judge", f"corpus={json.dumps(str(place))}")
    assert answer.code == 2 and str(place) in answer.err


def test_brackets_stand_in_the_help(ask: Ask) -> None:
    assert "lauter COMMAND [key=value ...] [--debug]" in ask("--help").out
    assert "lauter plan [key=value ...]" in ask("plan", "--help").out
