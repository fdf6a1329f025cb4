"""Progress: a bar on a terminal, a line now and then in a log."""

import io

import pyarrow as pa
import pytest
from rich.console import Console

from lauter.orchestration import progress
from lauter.orchestration.progress import counted_progress, speech_progress, stage_progress

BATCH = pa.RecordBatch.from_pydict({"duration_s": [60.0, 30.0, None]})


def shown(terminal: bool) -> tuple[io.StringIO, Console]:
    screen = io.StringIO()
    return screen, Console(file=screen, force_terminal=terminal, width=120)


def test_a_terminal_sees_rows_rate_and_seconds_of_speech() -> None:
    screen, console = shown(terminal=True)
    with speech_progress(console) as bar:
        bar.start(2)
        bar.start(4)  # more were found
        bar.advance(BATCH)
    assert "3/6" in screen.getvalue() and "1.5 min of speech" in screen.getvalue()


def test_a_log_gets_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    screen, console = shown(terminal=False)
    with speech_progress(console) as bar:
        bar.start(6)
        bar.advance(BATCH)
        assert not screen.getvalue().strip()
        monkeypatch.setattr(progress, "LOG_EVERY_S", 0.0)
        bar.advance(BATCH)
    assert screen.getvalue().startswith("6 of 6 utterances, 3.0 min of speech")


def test_what_is_counted_shows_how_many_of_how_many() -> None:
    screen, console = shown(terminal=True)
    with counted_progress(console, "exporting") as on_sample:
        on_sample(3, 7)
    assert "exporting" in screen.getvalue() and "3/7" in screen.getvalue()


def test_a_terminal_sees_each_stage_with_its_steps_and_losses() -> None:
    screen, console = shown(terminal=True)
    with stage_progress(console) as on_step:
        on_step("hearing", 32, 0, {})
        on_step("codes", 1, 5, {"mel": 0.25, "text": 2.0})
    assert "hearing" in screen.getvalue() and "32/?" in screen.getvalue()
    assert "1/5" in screen.getvalue() and "mel 0.250, text 2.000" in screen.getvalue()


def test_a_log_gets_the_last_step_of_each_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    screen, console = shown(terminal=False)
    with stage_progress(console) as on_step:
        on_step("hearing", 32, 0, {})
        for step in range(1, 4):
            on_step("flow", step, 3, {"velocity": 1 / step})
        monkeypatch.setattr(progress, "LOG_EVERY_S", 0.0)
        on_step("vocoder", 1, 1000, {"mel": 0.5})
    lines = screen.getvalue().splitlines()
    assert lines[0] == "flow: 3 of 3; velocity 0.333"
    assert lines[1].startswith("vocoder: 1 of 1000") and lines[1].endswith("; mel 0.500")
    assert len(lines) == 2
