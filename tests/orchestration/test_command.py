"""The command's own words: help, version, exit codes."""

import re

import pytest
from asking import Ask

from lauter.orchestration import command
from lauter.orchestration.loading import load_settings
from lauter.orchestration.setting_keys import known_keys


def test_without_a_word_the_help_is_shown_and_nothing_was_asked(ask: Ask) -> None:
    assert ask().code == 2 and ask("--help").code == 0
    assert all(name in ask("--help").out for name in command.COMMANDS)
    assert ask("--version").out.startswith("lauter 0.")


def test_every_command_of_the_help_is_there_and_explains_its_settings(ask: Ask) -> None:
    for name in command.COMMANDS:
        answer = ask(name, "--help")
        assert answer.code == 0 and command.COMMANDS[name] in answer.out


def test_the_help_shows_the_settings_of_what_was_chosen(ask: Ask) -> None:
    shown = ask("synthesize", "teacher=served", "speak.batch_size=17", "--help").out
    assert "unserved_s: 900" in shown and "speak.batch_size=17" in shown
    assert "did you mean teacher=served?" in ask("synthesize", "teacher=serve", "--help").err


def test_every_setting_stands_in_the_help(ask: Ask) -> None:
    shown = ask("synthesize", "--help").out
    assert all(key.rsplit(".", 1)[-1] in shown for key in known_keys())
    assert load_settings([]).seed == 0
    assert re.search(r"speak\.timeout_s=120\.0 +Seconds that one request may take", shown)


def test_what_is_our_fault_is_a_sentence_too_and_a_traceback_only_on_request(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> int:
        raise ZeroDivisionError("of all things")

    monkeypatch.setattr(command, "_dispatch", fail)
    assert command.run(["plan"]) == 1
    told = capsys.readouterr().err
    assert "ZeroDivisionError: of all things" in told and "Traceback" not in told
    assert command.run(["plan", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err
