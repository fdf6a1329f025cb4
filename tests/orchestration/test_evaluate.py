"""`lauter evaluate` end to end: figures, files, a verdict and its exit code."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from asking import Ask
from evaluated_speech import Echo
from taught_student import write_taught_student, write_untrained_codec

from lauter.datasets.corpus import Corpus
from lauter.orchestration.command import run
from lauter.pipelines import evaluation_student

FILES = ("evaluation.json", "evaluation.html", "utterances.parquet")
HELD_OUT = ["export.test=0.7", "evaluate.count=2", "evaluate.resamples=200"]


@pytest.fixture(scope="module")
def codec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_untrained_codec(tmp_path_factory.mktemp("untrained"))


@pytest.fixture(scope="module")
def student(codec: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_taught_student(tmp_path_factory.mktemp("student") / "student", codec)


@pytest.fixture(scope="module")
def export(spoken: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("held") / "export"
    assert run(["export", f"corpus={spoken}", f"export.folder={folder}", HELD_OUT[0]]) == 0
    return folder


def record_in(folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((folder / "evaluation.json").read_text())
    return record


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let a system that repeats the teacher with a little noise speak in the student's place."""

    def speak_as(names: Iterable[str]) -> None:
        systems = [Echo(name) for name in names]
        monkeypatch.setattr(
            evaluation_student, "open_systems", lambda *_, **__: (systems, {"student": "e0"})
        )

    return speak_as


@pytest.mark.slow
def test_a_student_that_has_not_learnt_misses_the_gate_and_all_is_written_before(
    ask: Ask, spoken: Path, student: Path, codec: Path, tmp_path: Path
) -> None:
    """A real model and a real codec, neither of which was trained on this."""
    folder = tmp_path / "evaluation"
    answer = ask(
        "evaluate", f"student={student}", f"corpus={spoken}", f"codec.folder={codec}",
        f"evaluate.folder={folder}", *HELD_OUT, "evaluate.count=1",
    )  # fmt: skip
    assert answer.code == 3, answer
    assert answer.err.startswith("lauter evaluate: the student was not shown to be as good as")
    record = record_in(folder)
    assert list(record["systems"]) == ["teacher", "resynthesis", "student"]
    assert record["systems"]["student"]["figures"]["cer"]["value"] > 0.5
    assert record["systems"]["teacher"]["figures"]["cer"]["value"] < 0.2
    assert record["verdict"]["not_inferior"] is False
    assert record["fingerprints"]["codec"] and record["fingerprints"]["student"]
    assert "1 thread" in record["device"] or "threads" in record["device"]
    assert (folder / "evaluation.html").read_text().count("<audio") == 3
    assert pq.read_table(folder / "utterances.parquet").num_rows == 3
    for told in ("teacher", "resynthesis", "student", "CER %", "Differences", *FILES):
        assert told in answer.out, told


@pytest.mark.slow
def test_a_student_as_good_as_its_teacher_passes_and_the_export_is_the_same_texts(
    ask: Ask, spoken: Path, export: Path, echo: Callable[..., None], tmp_path: Path
) -> None:
    echo(["student"])
    words = ["evaluate", "student=e", f"corpus={spoken}", f"evaluate.folder={tmp_path / 'out'}"]
    words += [*HELD_OUT, "evaluate.margin=0.3"]
    answer = ask(*words)
    assert answer.code == 0 and "the student is not inferior to the teacher" in answer.out
    one = record_in(tmp_path / "out")
    assert one["verdict"]["not_inferior"] is True
    assert ask(*words, f"evaluate.data={export}").code == 0  # written over what was ours
    two = record_in(tmp_path / "out")
    assert one["fingerprints"]["data"] == two["fingerprints"]["data"]
    assert one["comparisons"] == two["comparisons"]
    assert "real_time_factor" in one["systems"]["teacher"]["figures"]
    assert "real_time_factor" not in two["systems"]["teacher"]["figures"]


@pytest.mark.slow
def test_a_list_of_prompts_is_spoken_by_cloning_and_held_against_its_ground_truth(
    ask: Ask, spoken: Path, student: Path, codec: Path, tmp_path: Path
) -> None:
    (batch,) = Corpus.open(spoken).scan(["audio", "text"], where="language='en'")
    first, second, *_ = batch.to_pylist()
    for name, row in (("a", first), ("b", second)):
        (tmp_path / f"{name}.wav").write_bytes(row["audio"])
    line = f"1|{first['text']}|a.wav|{second['text']}"
    (tmp_path / "meta.lst").write_text(line)
    words = [
        "evaluate", f"student={student}", f"codec.folder={codec}",
        f"evaluate.list={tmp_path / 'meta.lst'}", "evaluate.language=en",
        "evaluate.resamples=200", f"evaluate.folder={tmp_path / 'out'}",
    ]  # fmt: skip
    answer = ask(*words)
    assert answer.code == 0 and record_in(tmp_path / "out")["verdict"] is None
    assert list(record_in(tmp_path / "out")["systems"]) == ["student"]
    (tmp_path / "meta.lst").write_text(f"{line}|b.wav")
    judged = ask(*words)
    assert judged.code == 3 and "as good as the ground_truth" in judged.err
    assert list(record_in(tmp_path / "out")["systems"]) == [
        "ground_truth", "resynthesis", "student"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "nothing says which texts were held out: set evaluate.data="),
        (["export.test=0.7", "evaluate.split=valid"], "set evaluate.data="),
        (["export.test=1e-9"], "has nothing in the split 'test' (train 4)"),
        (["evaluate.data=nowhere"], "nowhere is no export"),
        (["export.test=0.7", "evaluate.against=mother"], "'mother', which is not among"),
        (["export.test=0.7", "evaluate.count=0"], "evaluate.count is 0"),
        (["evaluate.split=train"], "evaluate.split is 'train'; choose test or valid"),
        (["evaluate.margin=-1"], "evaluate.margin is -1.0; set 0 or more"),
        (["export.test=0.7", "filters=fast"], "no scorer 'asr'"),
        (["evaluate.list=none.lst"], "there is no list at 'none.lst'"),
        (["export.test=0.7", "student=nowhere"], "nowhere"),
        (["export.test=0.7", "evaluate.device=abacus"], "evaluate.device=abacus cannot be used"),
    ],
)
def test_what_cannot_be_evaluated_is_one_sentence(
    ask: Ask, spoken: Path, student: Path, codec: Path, tmp_path: Path,
    words: list[str], sentence: str,
) -> None:  # fmt: skip
    folder = tmp_path / "out"
    answer = ask(
        "evaluate", f"corpus={spoken}", f"student={student}", f"codec.folder={codec}",
        f"evaluate.folder={folder}", *words,
    )  # fmt: skip
    assert answer.code == 2 and sentence in answer.err, answer
    assert answer.err.count("\n") == 1 and not folder.exists()


def test_a_folder_that_cannot_be_is_known_before_anything_is_said(
    ask: Ask, spoken: Path, student: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").touch()
    answer = ask(
        "evaluate", f"corpus={spoken}", f"student={student}",
        f"evaluate.folder={tmp_path / 'notes.txt' / 'deep'}", *HELD_OUT,
    )  # fmt: skip
    assert answer.code == 2 and "notes.txt cannot; name another folder" in answer.err


def test_a_student_of_another_codec_is_one_sentence(
    ask: Ask, spoken: Path, student: Path, tmp_path: Path
) -> None:
    other = write_untrained_codec(tmp_path / "other", seed=1)
    answer = ask(
        "evaluate", f"corpus={spoken}", f"student={student}", f"codec.folder={other}",
        f"evaluate.folder={tmp_path / 'out'}", *HELD_OUT,
    )  # fmt: skip
    assert answer.code == 2 and "speaks the codes of the codec" in answer.err
    assert not (tmp_path / "out").exists()


def test_a_list_needs_a_student_and_a_page_of_others_is_not_written_over(
    ask: Ask, tmp_path: Path
) -> None:
    words = ["evaluate", f"evaluate.folder={tmp_path}", "evaluate.list=x.lst"]
    assert "set student=FOLDER" in ask(*words).err
    (tmp_path / "evaluation.html").write_text("mine")
    answer = ask(*words)
    assert answer.code == 2 and "no report of Lauter's" in answer.err
    assert (tmp_path / "evaluation.html").read_text() == "mine"
