"""What a student tells of itself: what it learns now, and what it had learnt before."""

from pathlib import Path
from typing import Any

import pytest
from coded_export import coded_export
from midget import settings_of

from lauter.datasets.layout import COMPACT
from lauter.datasets.text_tokens import ByteTokenizer
from lauter.student.batches import BatchSettings
from lauter.student.examples import SpokenExamples
from lauter.student.facts import facts_of

JOY = {"language": "en", "dialect": "en-GB", "emotion": "joy"}
ANGER = {"language": "ja", "dialect": "ja", "emotion": "anger"}


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> SpokenExamples:
    folder = coded_export(tmp_path_factory.mktemp("facts") / "data", 20)
    return SpokenExamples(folder, ByteTokenizer(), COMPACT)


def told(examples: SpokenExamples, before: dict[str, Any], **batches: Any) -> dict[str, Any]:
    settings = settings_of(
        examples.folder, Path("run"), Path("init"), batches=BatchSettings(**batches)
    )
    return facts_of(settings, examples, examples.cells, ByteTokenizer(), before)


def test_new_weights_know_what_they_learn_from(examples: SpokenExamples) -> None:
    facts = told(examples, {})
    assert facts["speakers"] == ["someone"] and not facts["reference_turns"]
    assert JOY in facts["cells"] and len(facts["cells"]) == 3 and "timbres" not in facts


def test_a_student_that_learns_on_keeps_what_it_had_learnt(examples: SpokenExamples) -> None:
    timbres = {"timbres": {"other": [1.0]}, "timbre_fingerprint": "f"}
    before = {"speakers": ["other"], "cells": [ANGER, JOY], "reference_turns": True, **timbres}
    facts = told(examples, before)
    assert facts["speakers"] == ["other", "someone"] and facts["reference_turns"]
    assert facts["cells"][:2] == [ANGER, JOY] and len(facts["cells"]) == 4
    assert facts["timbres"] == timbres["timbres"] and facts["timbre_fingerprint"] == "f"


def test_what_an_older_student_had_learnt_is_not_guessed(examples: SpokenExamples) -> None:
    assert "cells" not in told(examples, {"speakers": ["other"]})


def test_turns_are_learnt_by_a_share_of_them(examples: SpokenExamples) -> None:
    assert told(examples, {}, reference_share=0.5)["reference_turns"]
