"""A student that goes on from recordings speaks as a voice of a file; nobody's without leave."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asking import Ask, write_lines
from taught_student import TAUGHT, some_codes, write_taught_student, write_untrained_codec

from lauter.datasets.audio import encode_flac
from lauter.datasets.corpus import Corpus
from lauter.datasets.layout import Reference

CELLS = [{"language": "en", "dialect": "en-US", "emotion": "neutral"}]
SHOWN = Reference("three", some_codes(4, 3))
BEN: dict[str, Any] = {
    "speaker": "Ben", "dialect": "en-US", "licence": "CC-BY-4.0", "consent": "Ben, for tests",
    "text": SHOWN.text, "codes": SHOWN.codes.tolist(), "audio": "ben.flac",
}  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cloned")
    codec = write_untrained_codec(folder / "codec")
    facts = {"cells": CELLS, "reference_turns": True, "timbres": {}, "speakers": []}
    write_taught_student(folder / "student", codec, SHOWN, **facts)
    write_taught_student(folder / "deaf", codec, cells=CELLS)
    return folder


def words(place: Path, out: Path, voice: dict[str, Any], student: str = "student") -> list[str]:
    hiss = np.random.default_rng(0).standard_normal(24_000).astype(np.float32)
    (out / "ben.flac").write_bytes(encode_flac(hiss * 0.1, 24_000))
    texts = write_lines(out / "texts.jsonl", [{"text": text, "language": "en"} for text in TAUGHT])
    return [
        "synthesize", f"corpus={out / 'corpus'}", "teacher=local",
        f"teacher.student={place / student}", "teacher.completer.sampling.temperature=0",
        f"teacher.voices={write_lines(out / 'voices.jsonl', [voice])}",
        f"codec.folder={place / 'codec'}", "filters=fast", "policy=permissive", "prompts=file",
        f"prompts.path={texts}", "quotas.dialects=[en-US]", "quotas.manners=[{count: 2}]",
        "engine.workers=0",
    ]  # fmt: skip


def test_a_student_goes_on_from_a_voice_of_a_file(ask: Ask, place: Path, tmp_path: Path) -> None:
    answer = ask(*words(place, tmp_path, BEN))
    assert answer.code == 0, answer.err
    (rows,) = Corpus.open(tmp_path / "corpus").scan()
    assert {row["text"]: row["codes"] for row in rows.to_pylist()} == {
        text: codes.tolist() for text, codes in TAUGHT.items()
    }
    assert set(rows["speaker"].to_pylist()) == {"Ben"}
    other = dict(BEN, text="four")
    assert "added 2 rows" in ask(*words(place, tmp_path, other)).out  # another voice to a teacher


@pytest.mark.parametrize(
    ("changed", "student", "sentence"),
    [
        ({"licence": None}, "student", "the voice 'Ben' has no licence, and nobody's voice is"),
        ({"consent": "none"}, "student", "the voice 'Ben' has no consent, and nobody's voice is"),
        ({"audio": None}, "student", "the voice 'Ben' has no recording (audio), from which the"),
        ({}, "deaf", "has not learnt to go on from recordings; leave teacher.voices out"),
        ({"dialect": "ja-JP"}, "student", "the voice 'Ben' speaks ja-JP, and the student in"),
    ],
)
def test_a_voice_that_may_not_or_cannot_be_heard_is_refused_before_anything_is_asked(
    ask: Ask, place: Path, tmp_path: Path, changed: dict[str, Any], student: str, sentence: str
) -> None:
    answer = ask(*words(place, tmp_path, BEN | changed, student))
    assert answer.code == 2 and sentence in answer.err
    assert not (tmp_path / "corpus").exists()


def test_a_voice_that_the_student_has_learnt_already_has_its_name(
    ask: Ask, place: Path, tmp_path: Path
) -> None:
    facts = {"cells": CELLS, "reference_turns": True}
    write_taught_student(tmp_path / "knows", place / "codec", **facts)
    answer = ask(*words(tmp_path, tmp_path, BEN | {"speaker": "Ada"}, "knows"),
                 f"codec.folder={place / 'codec'}")  # fmt: skip
    assert answer.code == 2 and "'Ada' is a voice that the student in" in answer.err
