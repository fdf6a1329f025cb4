"""The canned teacher: one recording for all, and failures on command."""

import subprocess
import sys
import time

import pytest

from lauter.datasets.records import Prompt, Request
from lauter.teacher.canned import CannedError, CannedTeacher
from lauter.teacher.protocol import Speech, refusal


def asked(*texts: str) -> list[Request]:
    prompts = [Prompt(text, "en", "en-US", speaker="canned_en-US") for text in texts]
    return [Request(prompt, "canned", "", 0) for prompt in prompts]


def test_every_request_gets_the_same_recording() -> None:
    teacher = CannedTeacher(seconds=0.5)
    first, second = teacher.speak(asked("one", "two"))
    assert isinstance(first, Speech)
    assert isinstance(second, Speech)
    assert first.flac == second.flac
    assert first.duration_s == 0.5
    assert CannedTeacher(first.flac).fingerprint() == teacher.fingerprint()


def test_it_refuses_nothing_that_is_well_formed() -> None:
    capabilities = CannedTeacher(seconds=0.1).capabilities()
    sung = Prompt("哦", "zh", "yue", "joy", 5, "sung", -5, "canned_yue")
    assert refusal(capabilities, "canned", sung) is None


def test_it_fails_where_it_is_told_to_and_recovers() -> None:
    teacher = CannedTeacher(seconds=0.1, fail_on="^bad", recovers_after=2)
    good, bad = teacher.speak(asked("good", "bad one"))
    assert isinstance(good, Speech)
    assert isinstance(bad, CannedError)
    assert isinstance(teacher.speak(asked("bad one"))[0], CannedError)
    assert isinstance(teacher.speak(asked("bad one"))[0], Speech)


def test_it_raises_for_a_whole_batch() -> None:
    with pytest.raises(CannedError, match="told to raise on 'worse'"):
        CannedTeacher(seconds=0.1, raise_on="worse").speak(asked("good", "worse"))


def test_it_hangs_for_as_long_as_it_is_told() -> None:
    teacher = CannedTeacher(seconds=0.1, hang_on="slow", hang_s=0.2)
    started = time.monotonic()
    teacher.speak(asked("slow"))
    assert time.monotonic() - started >= 0.2


def test_it_takes_its_process_along() -> None:
    script = (
        "from lauter.datasets.records import Prompt, Request;"
        "from lauter.teacher.canned import CannedTeacher;"
        "teacher = CannedTeacher(seconds=0.1, crash_on='boom');"
        "teacher.speak([Request(Prompt('boom', 'en', 'en-US'), 'canned', '', 0)])"
    )
    assert subprocess.run([sys.executable, "-P", "-c", script]).returncode == -9
