"""What a student's small files say of its voices."""

from datetime import date
from pathlib import Path

from lauter.datasets.consent import Consent, Event, Leave
from lauter.datasets.layout import Vocabulary
from lauter.datasets.text_tokens import ByteTokenizer
from lauter.datasets.voices import Use
from lauter.teacher.step_audio.student_folder import StudentFolder


def test_a_student_that_learnt_a_voice_speaks_no_more_when_whose_it_is_withdraws() -> None:
    facts = {
        "cells": [{"language": "ja", "dialect": "ja-JP", "emotion": "neutral"}],
        "timbres": {"ada_ja-JP": [1.0], "before": [1.0]},
        "people": {"ada_ja-JP": {"identity": "ada", "made_of": ["ada_uk", "kumo"]}},
    }
    student = StudentFolder(Path("s"), ByteTokenizer(), Vocabulary(256, 5376), 100, facts)
    voices = student.capabilities(logits=False).voices
    for name in ("ada", "ada_uk", "kumo"):
        said = Consent("2026-05-03T12:00:00+00:00", name, Event.WITHDRAWN, "herself")
        leave = Leave(Use.RESEARCH, date(2026, 11, 22), ledger=(said,))
        assert set(leave.forbidden(voices)) == {name, "ada_ja-JP"}
