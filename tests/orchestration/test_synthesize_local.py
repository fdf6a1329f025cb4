"""`lauter synthesize` with a student in this process as its teacher."""

import json
import re
import shutil
from pathlib import Path

import pytest
from asking import Ask, write_lines
from taught_student import SPEAKER, TAUGHT, write_taught_student, write_untrained_codec

from lauter.datasets.corpus import Corpus
from lauter.student.codec.codec import open_codec

CELLS = [{"language": "en", "dialect": "en-US", "emotion": "neutral"}]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("local")
    codec = write_untrained_codec(folder / "codec")
    write_taught_student(folder / "student", codec, cells=CELLS)
    return folder


def words(place: Path, out: Path) -> list[str]:
    texts = write_lines(out / "texts.jsonl", [{"text": text, "language": "en"} for text in TAUGHT])
    return [
        f"corpus={out / 'corpus'}",
        "teacher=local",
        f"teacher.student={place / 'student'}",
        "teacher.completer.sampling.temperature=0",
        f"codec.folder={place / 'codec'}",
        "filters=fast",
        "policy=permissive",
        "prompts=file",
        f"prompts.path={texts}",
        "quotas.dialects=[en-US]",
        "quotas.manners=[{count: 2}]",
        "quotas.speakers_per_dialect=1",
        "engine.workers=0",
    ]


def test_a_student_in_this_process_speaks_a_corpus(ask: Ask, place: Path, tmp_path: Path) -> None:
    answer = ask("synthesize", *words(place, tmp_path), "teacher.top=4")
    assert answer.code == 0, answer.err
    assert "added 2 rows" in answer.out
    rows = [row for batch in Corpus.open(tmp_path / "corpus").scan() for row in batch.to_pylist()]
    assert {row["text"]: row["codes"] for row in rows} == {
        text: codes.tolist() for text, codes in TAUGHT.items()
    }
    for row in rows:
        assert row["error"] is None and row["speaker"] == SPEAKER
        assert row["duration_s"] == pytest.approx(len(row["codes"]) / 5 * 0.12, abs=0.01)
        assert row["codec_fingerprint"] == open_codec(place / "codec").fingerprint
        assert row["top_logits"] and row["device_s"] > 0
        assert [one["server"] for one in row["server_attempts"]] == ["local"]
    account = json.loads((tmp_path / "corpus" / "run.json").read_text())
    assert account["requests"]["added"] == 2


def test_what_is_there_is_not_asked_for_again(ask: Ask, place: Path, tmp_path: Path) -> None:
    settings = words(place, tmp_path)
    assert ask("synthesize", *settings).code == 0
    again = ask("synthesize", *settings, "teacher.completer.rows=3")
    assert again.code == 0 and "added 0 rows" in again.out
    moved = shutil.copytree(place / "student", tmp_path / "under another name")
    same = ask(
        "plan", *settings, f"teacher.student={moved}", "teacher.completer.sampling.temperature=0.0"
    )
    assert "0 are not in" in same.out
    warmer = ask("plan", *settings, "teacher.completer.sampling.temperature=0.1")
    assert "2 are not in" in warmer.out


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("+teacher.completer.sampling.temprature=1", "did you mean temperature?"),
        ("teacher.completer.dtype=float8", "weights cannot be held as 'float8'"),
        ("teacher.student=null", "set teacher.student to its place"),
        ("teacher.completer.folder=/nowhere", "/nowhere is no student"),
    ],
)
def test_what_cannot_be_is_a_sentence(
    ask: Ask, place: Path, tmp_path: Path, word: str, sentence: str
) -> None:
    answer = ask("synthesize", *words(place, tmp_path), word)
    assert answer.code == 2
    assert sentence in answer.err
    assert not (tmp_path / "corpus").exists()


def test_doctor_asks_who_runs_the_model_whether_it_repeats_itself(
    ask: Ask, place: Path, tmp_path: Path
) -> None:
    answer = ask("doctor", *words(place, tmp_path))
    assert answer.code == 0, answer.out + answer.err
    assert re.search(r"student \(version \S+\) gave the same", answer.out.replace("\n", " "))


def test_doctor_says_of_a_student_without_voices_that_it_cannot_be_tried(
    ask: Ask, place: Path, tmp_path: Path
) -> None:
    mute = shutil.copytree(place / "student", tmp_path / "mute")
    facts = json.loads((mute / "student.json").read_text())
    (mute / "student.json").write_text(json.dumps(facts | {"timbres": {}, "speakers": []}))
    answer = ask("doctor", *words(place, tmp_path), f"teacher.student={mute}")
    assert answer.code == 2
    assert "it has no voice that could be tried" in answer.out.replace("\n", " ")
