"""`lauter teach`: a teacher fills the corpus's column, and says what that takes."""

import re
from pathlib import Path

import pytest
from asking import Ask
from coded_export import coded_export

from lauter.datasets.layout import COMPACT
from lauter.student.checkpoint import save_model
from lauter.student.model import build
from lauter.student.presets import ModelConfig

SHAPE = ModelConfig(COMPACT.size, COMPACT.text_size, 16, 1, 1, 16, 1, 16, 256)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    coded_export(tmp_path / "e", 6, valid=0)
    return tmp_path / "e-corpus"


@pytest.fixture
def teacher(tmp_path: Path) -> Path:
    save_model(build(SHAPE, seed=0), tmp_path / "teacher", {"codec_fingerprint": "codec-1"})
    return tmp_path / "teacher"


def test_a_corpus_is_taught_once(ask: Ask, corpus: Path, teacher: Path) -> None:
    words = ("teach", f"corpus={corpus}", f"student={teacher}", "teach.k=8", "teach.mass=1")
    first = ask(*words)
    assert first.code == 0 and "answered for 6 utterances" in first.out
    told = re.search(r"([\d.]+) bytes a code", first.out)
    assert told and 15 < float(told[1]) < 30
    assert "answered for 0 utterances" in ask(*words).out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "nothing says who teaches"),
        (["student=nowhere"], "nowhere is no student"),
        (["student={teacher}", "teach.k=300"], "k is 300; set 1 to 255"),
        (["student={teacher}", "teach.batch_size=0"], "teach.batch_size is 0; set 1 or more"),
        (["student={foreign}"], "are of the codec codec-1, and the teacher"),
    ],
)
def test_what_cannot_be_taught_is_said(
    ask: Ask, corpus: Path, teacher: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    save_model(build(SHAPE, seed=0), tmp_path / "foreign", {"codec_fingerprint": "codec-2"})
    named = [word.format(teacher=teacher, foreign=tmp_path / "foreign") for word in words]
    answer = ask("teach", f"corpus={corpus}", *named)
    assert answer.code == 2 and said in answer.err
