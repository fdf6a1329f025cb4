"""What the caller got wrong is answered with one sentence and exit code 2; nothing is lost."""

import json
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from asking import Ask, settings_in, write_lines

from lauter.datasets.corpus import Corpus

REFUSED_TEXTS = {
    "empty": ("  ", "the text is empty"),
    "too long": ("word " * 500, "split it into sentences"),
    "control characters": ("Good\x07 morning.", "control"),
    "only punctuation": ("?!…", "only punctuation"),
    "another script": ("今日は雨です。", "Latin letters"),
}


def refused(ask: Ask, *words: str) -> str:
    """Ask, and return the one sentence of the refusal."""
    answer = ask(*words)
    assert answer.code == 2, answer
    assert answer.err.count("\n") == 1 and answer.err.startswith(f"lauter {words[0]}: ")
    return answer.err


@pytest.mark.parametrize("case", REFUSED_TEXTS)
def test_a_text_that_no_voice_can_say(ask: Ask, tmp_path: Path, case: str) -> None:
    text, sentence = REFUSED_TEXTS[case]
    words = [*settings_in(tmp_path), "quotas.dialects=[en-US]"]
    write_lines(tmp_path / "texts.jsonl", [{"text": text, "language": "en"}])
    assert sentence in refused(ask, "synthesize", *words)
    assert not (tmp_path / "corpus").exists()


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("quotas.dialects=[en-US,en-GB]", "speaks en-GB; it speaks en-US, ja-JP"),
        ("quotas.dialects=[klingon]", "there is no dialect 'klingon'"),
        ("quotas.manners=[{count: 1, emotion: boredom, emotion_level: 1}]", "emotion 'boredom'"),
        ("quotas.manners=[{count: 1, emotion: joy, emotion_level: 6}]", "levels 1 to 5 of 'joy'"),
        ("quotas.manners=[{count: 1, speed_level: 9}]", "speed levels -5 to 5"),
        ("quotas.manners=[{count: 1, style: yodel}]", "style 'yodel'"),
        ("quotas.manners=[{count: 1, mood: joy}]", "has no key 'mood'; choose from count, emotion"),
        ("quotas.manners=[{count: 1, emotoin: joy}]", "no key 'emotoin'; did you mean emotion?"),
        ("quotas.manners=[{emotion: joy}]", "an entry of quotas.manners has no count; set how"),
        ("quotas.manners=[3]", "an entry of quotas.manners is '3'; write it as {count: 4}"),
    ],
)
def test_a_dialect_emotion_level_or_style_that_the_teacher_does_not_have(
    ask: Ask, tmp_path: Path, setting: str, sentence: str
) -> None:
    words = [*settings_in(tmp_path), setting]
    for command in ("plan", "synthesize", "preview"):
        folder = f"preview.folder={tmp_path / 'seen'}"
        assert sentence in refused(ask, command, *words, folder)
    assert not (tmp_path / "corpus").exists() and not (tmp_path / "seen").exists()


def test_a_speaker_that_the_teacher_does_not_have(ask: Ask, tmp_path: Path) -> None:
    words = ["teacher=studio", "teacher.voices=[af_nobody]", f"corpus={tmp_path / 'corpus'}"]
    assert "af_nobody" in refused(ask, "synthesize", *words)


def test_the_others_are_spoken_where_refusals_may_be_skipped(ask: Ask, tmp_path: Path) -> None:
    words = [*settings_in(tmp_path), "quotas.dialects=[en-US]", "on_refusal=skip"]
    texts = [{"text": text, "language": "en"} for text in ("Good morning.", "…", "See you.")]
    write_lines(tmp_path / "texts.jsonl", texts)
    answer = ask("synthesize", *words)
    assert answer.code == 0 and "added 3 rows" in answer.out  # the others fill the quotas
    assert "refused 1: " in answer.out and "(texts.jsonl, row 2)" in answer.out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["plan", "speak.timeout=3"], "did you mean speak.timeout_s?"),
        (["plan", "batch_size=3"], "or score.batch_size or speak.batch_size or"),
        (["plan", "prompts=file", "prompts.pth=x"], "did you mean prompts.path?"),
        (["plan", "prompts=file", "prompts.path=a", "tag=[/b"], "tag=[/b cannot be read; put"),
        (["plan", "xyzzy=3"], "see `lauter plan --help`"),
        (["write", "writer.temprature=1"], "see `lauter write --help`"),
        (["write", "write.dialect=[cmn]"], "did you mean write.dialects?"),
        (["write", "write.dialects=en-US"], "write a list, as in write.dialects=[en-US]"),
        (["derive", "derive.edits=noise"], "write a list, as in derive.edits=[noise]"),
        (["write", "write.lengths={fr: [1,2]}"], "it has no 'fr', but en, ja, ko, zh"),
        (["plan", "prices={teacher: 2}"], "as in +prices={teacher: 2}"),
        (["plan", "teacher=studios"], "did you mean teacher=studio?"),
        (["plan", "corpus"], "write key=value"),
        (["plan", "speak.attempts=many"], "speak.attempts=many does not fit"),
        (["plan", "speak.attempts=0"], "set 1 or more"),
        (["plan", "on_refusal=maybe"], "choose stop or skip"),
        (["export", "export.format=mp3"], "choose webdataset or lance"),
        (["import", "source.path="], "set source.path"),
        (["synthesise"], "did you mean 'synthesize'?"),
    ],
)
def test_a_word_that_the_command_does_not_know(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)  # an import makes its corpus before it meets its source
    assert sentence in refused(ask, *words)


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("engine.workers=-1", "engine.workers is -1; set a number of processes"),
        ("engine.workers=many", "engine.workers is many; set a number of processes"),
        ("engine.workers=1.5", "engine.workers is 1.5; set a number of processes"),
        ("engine.workers=true", "engine.workers is True; set a number of processes"),
        ("speak.timeout_s=nan", "speak.timeout_s is nan; set more than 0"),
        ("speak.timeout_s=inf", "speak.timeout_s is inf; set more than 0"),
        ("speak.timeout_s=0", "speak.timeout_s is 0.0; set more than 0"),
        ("speak.back_off_s=-1", "speak.back_off_s is -1.0; set 0 or more"),
        ("commit.seconds=nan", "commit.seconds is nan; set 0 or more"),
        ("price_per_core_hour=nan", "price_per_core_hour is nan; set 0 or more"),
        ("price_per_core_hour=inf", "price_per_core_hour is inf; set 0 or more"),
        ("+prices.taecher=2.5", "names the stage 'taecher', which is none; did you mean teacher?"),
        ("+prices.teacher=-2", "prices.teacher is -2.0; set 0 or more"),
        ("prices.teacher=2", "put a plus before it, as in +prices.teacher=2"),
        ("+prices.teacher=x", "the setting +prices.teacher=x does not fit"),
        ("budget.price=5", "a budget bounds the rounds of until=accepted, and until is asked"),
        ("devices=[gpu]", "devices names the stage 'gpu', which is none; choose from speak"),
        ("speak.max_workers=0", "speak.max_workers is 0; set 1 or more, or null"),
        ("decode.batches_at_once=0", "decode.batches_at_once is 0; set 1 or more"),
        ("budget.hours=0", "budget.hours is 0.0; set more than 0, or null for no bound"),
        ("until=spoken", "until is 'spoken'; choose asked or accepted"),
        ("seed=99999999999999999999", "seed is 99999999999999999999; set one of at most 18"),
        ("seed=-9223372036854775809", "seed is -9223372036854775809; set one of at most 18"),
    ],
)
def test_a_figure_that_makes_no_sense(
    ask: Ask, tmp_path: Path, setting: str, sentence: str
) -> None:
    assert sentence in refused(ask, "synthesize", *settings_in(tmp_path), setting)
    assert not (tmp_path / "corpus").exists()


def test_a_gate_that_compares_what_is_no_number(ask: Ask, tmp_path: Path) -> None:
    """Found before anything is spoken, not when it is judged."""
    words = settings_in(tmp_path)
    own = "{_target_: canned_words.Words, _partial_: true}"
    for score in ("text", "transcript", "canned_words"):
        (tmp_path / "picky.yaml").write_text(
            f"gates: [{{gate: words, score: {score}, at_most: 1, reason: R., stop: true}}]"
        )
        sentence = refused(ask, "synthesize", *words, f"filters.scorers=[{own}]")
        assert f"compares the score '{score}', which is no number" in sentence
        assert not (tmp_path / "corpus").exists()


@pytest.mark.parametrize("command", ["judge", "export", "audit"])
def test_a_folder_that_is_no_corpus(ask: Ask, tmp_path: Path, command: str) -> None:
    assert "is no corpus" in refused(ask, command, f"corpus={tmp_path}")


@pytest.mark.parametrize("command", ["plan", "synthesize", "judge", "export", "audit"])
def test_a_corpus_of_a_newer_schema(ask: Ask, own: Path, tmp_path: Path, command: str) -> None:
    (own / "corpus.json").write_text(json.dumps({"schema_version": 99}))
    words = [*settings_in(tmp_path), f"corpus={own}"]
    assert "has schema 99" in refused(ask, command, *words)


@pytest.mark.parametrize("command", ["export", "audit"])
def test_a_corpus_whose_audio_is_damaged(ask: Ask, own: Path, tmp_path: Path, command: str) -> None:
    for file in (own / "utterances.lance" / "data").iterdir():
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 2])
    words = [f"corpus={own}", f"export.folder={tmp_path / 'x'}", f"audit.page={tmp_path / 'x'}"]
    assert "damaged" in refused(ask, command, *words)
    assert not (tmp_path / "x").exists()


def test_a_truncated_shard(ask: Ask, spoken: Path, tmp_path: Path) -> None:
    """What stands before the cut is imported; the rest is for the user to fetch again."""
    shard = tmp_path / "speech.tar"
    rows = next(Corpus.open(spoken).scan(["audio", "text"], where="language='en'")).to_pylist()
    with tarfile.open(shard, "w") as tar:
        for number, row in enumerate(rows):
            for suffix, content in (("flac", row["audio"]), ("txt", row["text"].encode())):
                file = tmp_path / f"{number}.{suffix}"
                file.write_bytes(content)
                tar.add(file, file.name)
    shard.write_bytes(shard.read_bytes()[:-12000])
    words = [
        "source=webdataset", f"source.path={shard}", "source.origin.dialect=en-US",
        f"corpus={tmp_path / 'corpus'}", "filters=fast", "policy=permissive", "engine.workers=0",
    ]  # fmt: skip
    assert "is damaged" in refused(ask, "import", *words)


def test_two_writers(ask: Ask, own: Path, tmp_path: Path) -> None:
    with Corpus.open(own).writing():
        for command in ("synthesize", "judge"):
            words = [*settings_in(tmp_path), f"corpus={own}"]
            assert "is being written by process" in refused(ask, command, *words)


@pytest.mark.parametrize("command", ["synthesize", "judge"])
def test_a_policy_that_names_an_unknown_score(
    ask: Ask, own: Path, tmp_path: Path, command: str
) -> None:
    before = Corpus.open(own).digest()
    words = [*settings_in(tmp_path), f"corpus={own}"]
    (tmp_path / "picky.yaml").write_text(
        "name: mine\ngates:\n  - {gate: words, score: werr, at_most: 0.2, reason: too many wrong}\n"
    )
    assert "reads the score 'werr', which no scorer measures" in refused(ask, command, *words)
    assert Corpus.open(own).digest() == before
    missing = refused(ask, command, *words, "policy.path=none.yaml")
    assert "there is no policy file none.yaml" in missing


@pytest.mark.parametrize("workers", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_model_file_whose_hash_is_wrong(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".models").mkdir()
    (tmp_path / ".models" / "kokoro-js.tgz").write_bytes(b"no such voices")
    words = ["teacher=studio", "quotas.dialects=[en-US]", f"engine.workers={workers}"]
    sentence = refused(ask, "synthesize", f"corpus={tmp_path / 'corpus'}", *words)
    assert "is damaged or of another version" in sentence


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may mount the small disk that this needs")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk(ask: Ask, small_disk: Path, tmp_path: Path) -> None:
    words = [*settings_in(tmp_path), f"corpus={small_disk / 'corpus'}"]
    assert ask("synthesize", *words).code == 0
    before = Corpus.open(small_disk / "corpus").digest()
    (small_disk / "filler").write_bytes(bytes(shutil.disk_usage(small_disk).free))
    more = [*words, "seed=1", "price_per_core_hour=0.1"]
    assert "is full" in refused(ask, "synthesize", *more)
    assert Corpus.open(small_disk / "corpus").digest() == before
    (small_disk / "filler").unlink()
    assert ask("synthesize", *more).code == 0


def test_a_report_that_cannot_be_written(
    ask: Ask, spoken: Path, small_disk: Path, tmp_path: Path
) -> None:
    assert "is a folder" in refused(ask, "audit", f"corpus={spoken}", f"audit.page={tmp_path}")
    theirs = tmp_path / "notes.html"
    theirs.write_text("my notes")
    sentence = refused(ask, "audit", f"corpus={spoken}", f"audit.page={theirs}")
    assert "is there and no report of Lauter's" in sentence and theirs.read_text() == "my notes"
    page = small_disk / "audit.html"
    assert ask("audit", f"corpus={spoken}", f"audit.page={page}").code == 0
    before = page.read_bytes()
    (small_disk / "filler").write_bytes(bytes(shutil.disk_usage(small_disk).free))
    words = [f"corpus={spoken}", f"audit.page={page}", "audit.samples=1"]
    assert "the disk is full" in refused(ask, "audit", *words)
    assert page.read_bytes() == before
    assert sorted(file.name for file in small_disk.iterdir()) == ["audit.html", "filler"]
