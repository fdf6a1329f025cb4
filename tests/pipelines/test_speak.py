"""A failing row is a row: it never takes its neighbours along."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from scripted_requests import scripted_requests
from scripted_teacher import ScriptedTeacher, count_calls

from lauter.datasets.audio import Clip
from lauter.datasets.records import REQUEST_SCHEMA, Request
from lauter.pipelines.speak import Speak
from lauter.teacher.protocol import Speech


def speak(folder: Path, texts: list[str], **options: object) -> list[dict[str, object]]:
    teacher = partial(ScriptedTeacher, str(folder), batch_fails=bool(options.pop("all", False)))
    stage = Speak(teacher, back_off_s=0.001, **options)  # type: ignore[arg-type]
    spoken = stage.open()(scripted_requests(texts).to_batches()[0])
    assert spoken.schema.names == [*REQUEST_SCHEMA.names, *stage.adds.names]
    rows: list[dict[str, object]] = spoken.to_pylist()
    return rows


def test_speech_comes_back_with_its_request(tmp_path: Path) -> None:
    (row,) = speak(tmp_path, ["hello"])
    assert row["text"] == "hello"
    assert row["error"] is None
    assert isinstance(row["audio"], bytes)
    clip = Clip(row["audio"])
    assert clip.duration_s == pytest.approx(row["duration_s"])
    assert clip.sample_rate == row["sample_rate"] == 16000


def test_a_failing_row_is_asked_again_and_then_becomes_a_dead_letter(tmp_path: Path) -> None:
    good, bad, late = speak(tmp_path, ["hello", "fail always", "fail once"], attempts=3)
    assert good["error_kind"] is None and good["attempts"] == 1
    assert bad["error_kind"] == "failed" and bad["attempts"] == 3
    assert bad["audio"] is None and "could not say 'fail always'" in str(bad["error"])
    assert late["error_kind"] is None and late["attempts"] == 2


def test_a_refusal_is_not_asked_again(tmp_path: Path) -> None:
    (row,) = speak(tmp_path, ["refuse this"], attempts=3)
    assert row["error_kind"] == "refused" and row["attempts"] == 1
    assert list(count_calls(tmp_path).values()) == [1]


def test_a_batch_that_raises_is_asked_one_by_one(tmp_path: Path) -> None:
    rows = speak(tmp_path, ["one", "two", "fail"], all=True, attempts=2)
    assert [row["error_kind"] for row in rows] == [None, None, "failed"]


def test_a_hanging_request_times_out_and_its_neighbours_are_spoken(tmp_path: Path) -> None:
    rows = speak(tmp_path, ["one", "hang", "three"], timeout_s=0.2, attempts=2)
    assert [row["error_kind"] for row in rows] == [None, "timed_out", None]
    assert "did not answer within" in str(rows[1]["error"])


def test_a_teacher_that_hangs_lets_go_of_what_its_successor_may_need(tmp_path: Path) -> None:
    given_back = threading.Event()

    class Holder(ScriptedTeacher):
        def close(self) -> None:
            given_back.set()

    stage = Speak(partial(Holder, str(tmp_path)), timeout_s=0.2, attempts=1)
    stage.open()(scripted_requests(["hang"]).to_batches()[0])
    assert given_back.wait(60)


def test_speech_without_a_sample_is_an_error_not_an_empty_file(tmp_path: Path) -> None:
    (row,) = speak(tmp_path, ["nothing"])
    assert row["audio"] is None and row["error_kind"] == "failed"


def test_batches_that_are_spoken_at_a_time_share_the_workers_seconds(tmp_path: Path) -> None:
    together = threading.Barrier(3)

    class Meeting(ScriptedTeacher):
        def speak(self, requests: Sequence[Request]) -> Sequence[Speech | Exception]:
            together.wait(60)
            return super().speak(requests)

    speak = Speak(partial(Meeting, str(tmp_path))).open()
    batches = [scripted_requests([text]).to_batches()[0] for text in ("one", "two", "three")]
    started = time.perf_counter()
    with ThreadPoolExecutor(3) as threads:
        rows = [batch.to_pylist()[0] for batch in threads.map(speak, batches)]
    assert all(row["wall_s"] > 0 for row in rows)
    assert sum(row["wall_s"] for row in rows) <= time.perf_counter() - started


def test_rows_cost_what_their_teacher_says_that_they_took_of_a_batch(tmp_path: Path) -> None:
    class Uneven(ScriptedTeacher):
        def speak(self, requests: Sequence[Request]) -> Sequence[Speech | Exception]:
            quick, slow, failed = super().speak(requests)
            assert isinstance(quick, Speech) and isinstance(slow, Speech)
            return [replace(quick, worked_s=1.0), replace(slow, worked_s=3.0), failed]

    stage = Speak(partial(Uneven, str(tmp_path)), attempts=1)
    quick, slow, failed = (
        row["wall_s"]
        for row in stage.open()(
            scripted_requests(["one", "two", "fail"]).to_batches()[0]
        ).to_pylist()
    )
    assert slow == pytest.approx(3 * quick)
    # Of what failed nothing is known: it is taken to be as the others are.
    assert failed == pytest.approx(2 * quick)
