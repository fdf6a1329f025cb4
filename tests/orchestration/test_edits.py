"""Speech in its levels becomes a student that edits: every command on the way, as a user asks."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import soundfile
from asking import Ask, write_lines
from ending_editor import write_ending_editor

from lauter.datasets.corpus import Corpus
from lauter.datasets.edit_pairs import EditPairs
from lauter.orchestration.command import run
from lauter.student.checkpoint import read_facts

TEXTS = ("Good morning.", "See you soon.", "Turn left.", "Come in.", "Not today.", "Well done.")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus with codes, its export and a student of two steps that may edit, and cannot."""
    folder = tmp_path_factory.mktemp("edits")
    lines: list[dict[str, object]] = [{"text": text, "language": "en"} for text in TEXTS]
    texts = write_lines(folder / "texts.jsonl", lines)
    corpus = f"corpus={folder / 'corpus'}"
    assert run(
        ["synthesize", corpus, "teacher=fast", "filters=fast", "policy=permissive", "prompts=file",
         f"prompts.path={texts}", "quotas=once", "engine.workers=0",
         "quotas.manners=[{count: null},{count: null, emotion: joy, emotion_level: 1}]"]
    ) == 0  # fmt: skip
    assert run(["codec", "encode", corpus]) == 0
    assert run(
        ["export", corpus, f"export.folder={folder / 'export'}", "export.test=0.4",
         "export.edit_pairs=true"]
    ) == 0  # fmt: skip
    assert run(
        ["distill", f"distill.data={folder / 'export'}", f"distill.output={folder / 'run'}",
         "distill.task=edit", "distill.steps=2", "distill.evaluate_every=0", "distill.threads=1",
         "distill.batches.batch_tokens=600", "distill.tensorboard=false"]
    ) == 0  # fmt: skip
    return folder


def first_row(place: Path, column: str) -> dict[str, Any]:
    batch = next(iter(Corpus.open(place / "corpus").scan([column])))
    row: dict[str, Any] = batch.slice(0, 1).to_pylist()[0]
    return row


@pytest.fixture(scope="module")
def editor(place: Path) -> str:
    """A student that has learnt one answer, and to end it."""
    return f"student={write_ending_editor(place / 'editor', ['joy+1', 'joy-1'])}"


def student_in(place: Path) -> str:
    return f"student={place / 'run' / 'student'}"


def test_a_student_says_which_edits_it_has_learnt(place: Path) -> None:
    facts = read_facts(place / "run" / "student")
    assert facts["edits"] == ["joy+1", "joy-1"]
    assert facts["cells"] == []


def test_pairs_are_exported_for_other_trainers(place: Path) -> None:
    for split in ("train", "test"):
        lines = (place / "export" / f"edit_pairs.{split}.jsonl").read_text().splitlines()
        pairs = list(EditPairs.open(place / "export", split))
        assert [json.loads(line)["edited_id"] for line in lines] == [
            pair["edited_id"] for pair in pairs
        ]
        assert pairs


def test_derived_speech_makes_no_pairs_and_pairs_are_overwritten_with_their_export(
    ask: Ask, place: Path, tmp_path: Path
) -> None:
    """Taking joy 1 back would be one step; it has no codes either, and none are asked for."""
    corpus = f"corpus={shutil.copytree(place / 'corpus', tmp_path / 'corpus')}"
    answer = ask(
        "derive", corpus, "teacher=fast", "filters=fast", "policy=permissive",
        "derive.edits=[remove emotion]", "derive.where='emotion_level = 1'", "engine.workers=0",
    )  # fmt: skip
    assert answer.code == 0 and Corpus.open(tmp_path / "corpus").count() == 3 * len(TEXTS), answer
    for overwrite in ("false", "true"):
        answer = ask(
            "export", corpus, f"export.folder={tmp_path / 'export'}", "export.edit_pairs=true",
            f"export.overwrite={overwrite}",
        )  # fmt: skip
        assert answer.code == 0, answer
        assert f"{2 * len(TEXTS)} edit pairs in {tmp_path / 'export'}" in answer.out
    lines = (tmp_path / "export" / "edit_pairs.train.jsonl").read_text().splitlines()
    assert len(lines) == 2 * len(TEXTS)


def test_a_recording_is_edited_pass_by_pass(
    ask: Ask, place: Path, editor: str, tmp_path: Path
) -> None:
    row = first_row(place, "audio")
    source = tmp_path / "source.flac"
    source.write_bytes(row["audio"])
    out = tmp_path / "edited"
    answer = ask(
        "edit", editor, f"editing.source={source}", "editing.text=Good morning.",
        "editing.edit=joy+1", "editing.times=2", f"editing.out={out}",
    )  # fmt: skip
    assert answer.code == 0, answer
    for number, told in ((1, "1 time"), (2, "2 times")):
        assert f"{out / f'{number}.wav'}  joy+1 {told}, 0.48 s\n" in answer.out
        heard = soundfile.info(out / f"{number}.wav")
        assert (heard.samplerate, heard.duration) == (24_000, pytest.approx(0.48))


def test_an_edit_without_an_end_is_told_and_stops_the_passes(
    ask: Ask, place: Path, tmp_path: Path
) -> None:
    """Two steps of training teach no end; what was said so far is written all the same."""
    row = first_row(place, "request_id")
    out = tmp_path / "edited"
    answer = ask(
        "edit", student_in(place), f"corpus={place / 'corpus'}", "editing.times=2",
        f"editing.request={row['request_id']}", f"editing.out={out}",
    )  # fmt: skip
    assert answer.code == 3 and "pass 1 of 2 came to no good end (no end)" in answer.err
    assert [path.name for path in out.iterdir()] == ["1.wav"]


def test_an_utterance_of_the_corpus_is_edited_by_its_id(
    ask: Ask, place: Path, editor: str, tmp_path: Path
) -> None:
    row = first_row(place, "request_id")
    answer = ask(
        "edit", editor, f"corpus={place / 'corpus'}",
        f"editing.request={row['request_id']}", f"editing.out={tmp_path / 'edited'}",
    )  # fmt: skip
    assert answer.code == 0, answer
    assert (tmp_path / "edited" / "1.wav").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["editing.edit=grief+1"], "'grief+1' is no edit; write one of joy"),
        (["editing.edit=anger+1"], "has not learnt the edit anger+1; it has learnt joy+1, joy-1"),
        (["editing.text=' '"], "nothing says what is spoken in"),
        (["editing.request=0123"], "only one of them"),
        (["editing.source=null", "editing.request=0123"], "has no request 0123"),
        (["editing.times=0"], "editing.times is 0; set 1 or more"),
    ],
)
def test_what_cannot_be_edited_is_one_sentence(
    ask: Ask, place: Path, tmp_path: Path, words: list[str], sentence: str
) -> None:
    soundfile.write(tmp_path / "a.wav", [0.1] * 24_000, 24_000)
    answer = ask(
        "edit", student_in(place), f"corpus={place / 'corpus'}",
        f"editing.source={tmp_path / 'a.wav'}", "editing.text=hello",
        f"editing.out={tmp_path / 'edited'}", *words,
    )  # fmt: skip
    assert answer.code == 2 and sentence in answer.err, answer.err


def test_who_only_edits_says_no_texts(ask: Ask, place: Path) -> None:
    answer = ask("speak", student_in(place), "speaking.text=hello")
    assert answer.code == 2
    assert "has learnt to edit speech and not to say texts; use `lauter edit`" in answer.err


def test_texts_are_not_said_between_lessons_in_editing(ask: Ask, place: Path) -> None:
    answer = ask("distill", "distill.task=edit", "distill.speak_texts=2")
    assert answer.code == 2 and "distill.speak_texts" in answer.err


def test_edits_are_evaluated_pass_by_pass(ask: Ask, place: Path, tmp_path: Path) -> None:
    folder = tmp_path / "evaluation"
    answer = ask(
        "evaluate", "evaluate.task=edit", "filters=edits", student_in(place),
        f"corpus={place / 'corpus'}",
        f"evaluate.data={place / 'export'}", f"evaluate.folder={folder}", "evaluate.count=1",
        "evaluate.edits=[joy+1]", "evaluate.resamples=100",
    )  # fmt: skip
    assert answer.code == 0, answer.err
    record = json.loads((folder / "edits.json").read_text())
    systems = record["figures"]["joy+1"]
    assert list(systems) == ["teacher", "resynthesis", "student"]
    assert [one["number"] for one in systems["teacher"]] == [0, 1]
    assert systems["teacher"][1]["clearly"]["value"] == 1.0
    assert record["fingerprints"]["student"] and record["scorers"]["prosody"]
    assert (folder / "joy+1.svg").read_text().startswith("<svg")
    assert "joy+1, 1 texts: moved from the source" in answer.out
