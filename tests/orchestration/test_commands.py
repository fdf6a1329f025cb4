"""Every command end to end: real speech of the fast teacher, real files."""

import json
import shutil
from pathlib import Path

import pytest
import soundfile
from asking import Ask, settings_in

from lauter.datasets import weights
from lauter.datasets.corpus import Corpus

IMPORT = [
    "source=folder",
    "source.origin.dialect=en-US",
    "source.origin.licence=CC0-1.0",
    "filters=fast",
    "policy=permissive",
    "engine.workers=0",
]


def test_plan_counts_what_would_be_asked_and_touches_nothing(ask: Ask, tmp_path: Path) -> None:
    answer = ask("plan", *settings_in(tmp_path))
    assert answer.code == 0
    assert "6 requests planned, 0 prompts refused; 6 are not in" in answer.out
    assert not (tmp_path / "corpus").exists()


def test_synthesize_ends_with_a_table_and_says_where_everything_lies(
    ask: Ask, tmp_path: Path
) -> None:
    words = settings_in(tmp_path)
    first = ask("synthesize", *words, "tag=first")
    assert first.code == 0
    for told in (
        "asked", "spoken", "accepted", "en-US", "joy", "brevity", "speech accepted",
        "real-time factor", "cost per accepted hour", "added 6 rows",
        str(tmp_path / "corpus"), str(tmp_path / "corpus/run.json"),
    ):  # fmt: skip
        assert told in first.out, told
    assert Corpus.open(tmp_path / "corpus", version="first").count() == 6
    again = ask("synthesize", *words)
    assert again.code == 0 and "added 0 rows" in again.out
    counted = ask("plan", *words)
    assert "; 0 are not in" in counted.out


def test_the_account_of_a_run_says_what_it_was_made_of(spoken: Path) -> None:
    account = json.loads((spoken / "run.json").read_text())
    assert account["command"] == "synthesize"
    assert account["settings"]["teacher"]["_target_"].endswith("FastTeacher")
    assert account["versions"]["pyarrow"] and account["machine"]["cores"]
    assert account["teacher"]["fingerprint"] in account["fingerprints"]["teacher"]
    assert account["fingerprints"]["level"]
    assert account["requests"] == {"planned": 6, "refused": 0, "already_there": 0, "added": 6}
    assert account["summary"]["asked"] == 6 and account["summary"]["stage_seconds"]["speak"] > 0
    assert account["cost"]["total"] > 0 and account["policy"]["name"] == "picky"
    assert account["digest"] == Corpus.open(spoken).digest()
    assert account["core_s"] > 0 and account["wall_s"] > 0


def test_preview_leaves_sounds_and_a_page(ask: Ask, tmp_path: Path) -> None:
    words = [*settings_in(tmp_path), f"preview.folder={tmp_path / 'seen'}", "preview.count=3"]
    answer = ask("preview", *words)
    assert answer.code == 0 and str(tmp_path / "seen" / "preview.html") in answer.out
    assert "all 6 requests of the plan, if they are like these 3: about" in answer.out
    assert soundfile.info(tmp_path / "seen" / "01.flac").duration > 0.3
    assert "Synthetic" in soundfile.SoundFile(tmp_path / "seen" / "01.flac").comment
    assert (tmp_path / "seen" / "preview.html").read_text().count("<audio") == 3
    assert not (tmp_path / "corpus").exists()
    assert ask("preview", *words).code == 0  # a preview may be made again in its place
    other = ask("preview", *words, f"preview.folder={tmp_path}")
    assert other.code == 2 and "has other content" in other.err


def test_another_policy_judges_anew_without_a_model(ask: Ask, own: Path) -> None:
    before = Corpus.open(own).verdicts()["accepted"].to_pylist()
    runs = len(list((own / "runs").iterdir()))
    answer = ask("judge", f"corpus={own}", "policy=permissive", "tag=kept-all")
    after = Corpus.open(own, version="kept-all").verdicts()["accepted"].to_pylist()
    assert answer.code == 0 and before.count(False) == 2 and all(after)
    account = json.loads((own / "run.json").read_text())
    assert account["command"] == "judge" and account["policy"]["name"] == "permissive"
    assert len(list((own / "runs").iterdir())) == runs + 1


@pytest.mark.parametrize("form", ["webdataset", "lance"])
def test_accepted_speech_is_exported_with_its_card(
    ask: Ask, own: Path, tmp_path: Path, form: str
) -> None:
    words = [f"corpus={own}", f"export.folder={tmp_path / 'out'}", f"export.format={form}"]
    answer = ask("export", *words)
    assert answer.code == 0 and "4 accepted utterances" in answer.out
    assert (tmp_path / "out" / "README.md").read_text().count("# Data card") == 1
    again = ask("export", *words)
    assert again.code == 2 and "is there already" in again.err
    assert ask("export", *words, "export.overwrite=true").code == 0
    assert str(tmp_path / "out") in ask(
        "audit", f"corpus={own}", f"audit.page={tmp_path / 'audit.html'}"
    ).out.replace("\n", "")


def test_a_folder_of_speech_is_imported_and_judged_like_our_own(
    ask: Ask, spoken: Path, tmp_path: Path
) -> None:
    found = folder_of_speech(spoken, tmp_path / "found")
    words = [f"corpus={tmp_path / 'corpus'}", f"source.path={found}", *IMPORT]
    answer = ask("import", *words)
    assert answer.code == 0 and "added 3 rows" in answer.out
    assert "added 0 rows" in ask("import", *words).out
    shutil.rmtree(found)
    assert Corpus.open(tmp_path / "corpus").count("audio IS NOT NULL") == 3


def test_one_corrupt_recording_is_a_dead_letter_and_takes_no_other_along(
    ask: Ask, spoken: Path, tmp_path: Path
) -> None:
    found = folder_of_speech(spoken, tmp_path / "found")
    corrupt = found / "1.flac"
    corrupt.write_bytes(corrupt.read_bytes()[:100])
    corpus = tmp_path / "corpus"
    answer = ask("import", f"corpus={corpus}", f"source.path={found}", *IMPORT)
    assert answer.code == 0 and "added 3 rows" in answer.out
    (batch,) = Corpus.open(corpus).scan(["error"], where="error IS NOT NULL")
    (error,) = batch["error"].to_pylist()
    assert "1.flac" in error
    ask("audit", f"corpus={corpus}", f"audit.page={tmp_path / 'audit.html'}")
    page = (tmp_path / "audit.html").read_text()
    assert "Dead letters" in page and "1.flac" in page


def folder_of_speech(corpus: Path, folder: Path) -> Path:
    """Write a corpus's English speech as a folder of sounds with their texts."""
    folder.mkdir()
    (batch,) = Corpus.open(corpus).scan(["audio", "text"], where="language='en'")
    for number, row in enumerate(batch.to_pylist()):
        (folder / f"{number}.flac").write_bytes(row["audio"])
        (folder / f"{number}.txt").write_text(row["text"])
    return folder


def test_doctor_says_that_all_is_well(ask: Ask) -> None:
    answer = ask("doctor", "teacher=fast")
    assert answer.code == 0 and "all is well" in answer.out
    assert "whisper-base" in answer.out and "0 wrong examples" in answer.out


def test_doctor_says_what_is_lost_without_a_weight(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package that carries it is hidden, for it cannot be taken away from a test."""
    there = weights._part_path
    monkeypatch.setattr(
        weights, "_part_path", lambda part: None if "hibari" in part.package else there(part)
    )
    answer = ask("doctor", "teacher=studio")
    assert answer.code == 2
    assert "does not speak English" in answer.out and "install" in answer.out


def test_doctor_finds_a_policy_that_contradicts_its_own_examples(ask: Ask, tmp_path: Path) -> None:
    policy = tmp_path / "mine.yaml"
    policy.write_text(
        "name: mine\ngates:\n  - {gate: words, score: wer, at_most: 0.2, reason: too many wrong,\n"
        "     examples: {pass: [0.3], fail: [0.5]}}\n"
    )
    answer = ask("doctor", "teacher=fast", f"policy.path={policy}")
    assert answer.code == 2 and "should pass wer 0.3, and does not" in answer.out
