"""`lauter distill` says what came of it, and a bad request is one sentence and exit code 2."""

import io
import json
from pathlib import Path

import pytest
from coded_export import coded_export
from midget import midget
from rich.console import Console

from lauter.datasets.consent import LEDGER, Consent, Event, append
from lauter.datasets.errors import UsageError
from lauter.orchestration import command
from lauter.orchestration.commands import distill
from lauter.orchestration.loading import load_settings
from lauter.student.batches import BatchSettings
from lauter.student.checkpoint import add_facts, load_model
from lauter.student.codec.codec import SHIPPED
from lauter.student.distill import LossSettings
from lauter.student.train import TrainResult


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("distill")
    coded_export(folder / "data", 30)
    midget(folder / "init")
    return folder


def words(folder: Path, *more: str) -> list[str]:
    given = {
        "data": folder / "data", "output": folder / "run", "init": folder / "init",
        "preset": "null", "steps": 4, "evaluate_every": 2, "threads": 1,
        "batches.batch_tokens": 400, "batches.micro_tokens": 200,
    }  # fmt: skip
    return [*(f"distill.{name}={value}" for name, value in given.items()), *more]


def test_a_student_is_taught_and_the_run_is_on_record(folder: Path) -> None:
    told = io.StringIO()
    code = distill.run(load_settings(words(folder)), Console(file=told, width=200))
    assert code == 0
    assert "codes of the codec codec-1, which is not the one that comes" in told.getvalue()
    assert "it brings no timbres" in told.getvalue()
    assert "4 steps, loss" in told.getvalue() and f"{folder / 'run'}/student" in told.getvalue()
    _, facts = load_model(folder / "run/student")
    assert facts["codec_fingerprint"] == "codec-1"
    assert facts["people"] == {"someone": {"identity": "", "made_of": []}}
    record = json.loads((folder / "run/run.json").read_text())
    assert record["settings"]["distill"]["steps"] == 4
    assert len((folder / "run/log.jsonl").read_text().splitlines()) == 4 + 2
    assert list((folder / "run/tensorboard").iterdir())


def test_a_student_that_began_with_timbres_keeps_them_without_a_codec(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: str | None = None) -> None:
        raise UsageError("the recogniser is not here")

    midget(tmp_path / "init")
    add_facts(tmp_path / "init", {"codec_fingerprint": "codec-1", "timbres": {"someone": [1.0]}})
    monkeypatch.setattr(distill, "open_codec", gone)
    monkeypatch.setattr("lauter.student.codec.codec.open_codec", gone)
    told = io.StringIO()
    given = [f"distill.init={tmp_path / 'init'}", f"distill.output={tmp_path / 'run'}"]
    settings = load_settings([*words(folder), *given])
    assert distill.run(settings, Console(file=told, width=200)) == 0
    assert "no new voices will come with the student: the recogniser is not here" in told.getvalue()
    assert "the timbres of the student it began as, and no others" in told.getvalue()
    assert load_model(tmp_path / "run/student")[1]["timbres"] == {"someone": [1.0]}


def test_adapters_are_trained_by_their_settings_and_leave_a_plain_student(folder: Path) -> None:
    told = io.StringIO()
    given = ["distill.lora.rank=2", "distill.lora.targets=[q_proj]"]
    given.append(f"distill.output={folder / 'adapted'}")
    assert distill.run(load_settings(words(folder, *given)), Console(file=told, width=200)) == 0
    after, facts = load_model(folder / "adapted/student")
    assert facts["settings"]["lora"] == {"rank": 2, "alpha": 32.0, "targets": ["q_proj"]}
    before = load_model(folder / "init")[0].state_dict()
    changed = {n for n, weight in after.state_dict().items() if not weight.equal(before[n])}
    assert changed == {f"model.layers.{layer}.self_attn.q_proj.weight" for layer in (0, 1)}


def test_the_timbres_are_those_of_the_split_that_was_learnt_from(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    def add(student: Path, export: str, codec: str | None, *, split: str) -> int:
        asked.append((export, split))
        return 1

    monkeypatch.setattr(distill, "add_timbres", add)
    given = ["distill.train_split=valid", f"distill.output={folder / 'other'}", "distill.steps=1"]
    distill.run(load_settings(words(folder, *given)), Console(file=io.StringIO()))
    assert asked == [(str(folder / "data"), "valid")]


def test_an_evaluation_that_is_no_number_is_said_at_the_end(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = "at step 2 the [held-out] loss is no number (nan)"
    result = TrainResult(folder / "init", 2, "finished", {"loss": 1.0}, None, 0, (note,))
    monkeypatch.setattr(distill, "launch", lambda *_, **__: result)
    (folder / "run").mkdir(exist_ok=True)
    told = io.StringIO()
    assert distill.run(load_settings(words(folder)), Console(file=told, width=200)) == 0
    assert note in told.getvalue()


@pytest.mark.parametrize(
    "word",
    [
        "distill=laptop", "distill=gpu", "distill=published",
        "recipe=phrases", "recipe=english-voice", "recipe=english-voice-cpu",
    ],
)  # fmt: skip
def test_every_recipe_is_one_that_can_be_trained(word: str) -> None:
    node = load_settings([word]).distill
    training, how, evaluation = distill.training_of(node, codec=None)
    assert isinstance(training.batches, BatchSettings) and isinstance(training.loss, LossSettings)
    assert how.launcher == "none" and evaluation is None


def test_speaking_in_between_is_asked_of_the_pipelines() -> None:
    node = load_settings(["distill.speak_texts=4", "distill.data=/d"]).distill
    _, _, evaluation = distill.training_of(node, codec="/c")
    assert evaluation is not None
    asked = {
        "data": "/d", "split": "valid", "count": 4, "codec": "/c", "sampling": None,
        "reference_turns": False,
    }  # fmt: skip
    assert evaluation.settings == asked
    from lauter.student.launched import made_evaluation

    with pytest.raises(UsageError, match="/d is no export"):
        made_evaluation(evaluation.plain())


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["distill.data=nowhere"], "nowhere is no export"),
        (["distill.preset=huge"], "there is no student 'huge'"),
        (["distill.launcher=slurm"], "there is no launcher 'slurm'"),
        (["distill.valid_split=test"], "has no split 'test'; it has train, valid. Export with"),
        (["distill.batches.pack_tokens=50"], "more than the 50 of distill.batches.pa"),
        (["distill.loss.kind=forward_kl"], "has no column top_logits, which the loss needs"),
        (["distill.on_policy.share=0.5"], "on-policy steps want a teacher; set distill.on_policy"),
        (["distill.on_policy={share: 1, teacher: t}"], "t is no student"),
        (["distill.batches.mixture.weights={ja: 2}"], "names 'ja', of which there is no speech"),
        (["distill.batches.mixture.weights=much"], "mixture.weights is much; write words and"),
        (["distill.lora.rank=4", "distill.init=null", "distill.preset=tiny"], "set distill.init"),
        (["distill.lora.targets=[lm_head]"], "'lm_head' is no projection to adapt; set distill.l"),
        (["distill.lora.rank=-1"], "lora.rank is -1; set 1 or more, or 0 to adapt nothing"),
        (["distill.speak_texts=4", "distill.evaluate_every=0"], "speak_texts=4 are said at evalu"),
        (["codec.folder={codec}"], "holds codes of the codec codec-1, and the one in"),
        (["distill.output={data}"], "holds a corpus or an export; name a folder of its own"),
        (["distill.zero=2"], "was trained with zero=0, and this run has zero=2"),
    ],
)
def test_what_cannot_be_taught_is_a_sentence_and_exit_code_2(
    folder: Path, capsys: pytest.CaptureFixture[str], more: list[str], told: str
) -> None:
    if "zero=2" in more[0] and not (folder / "run/checkpoints").exists():
        command.run(["distill", *words(folder)])
    for name, place in (("{data}", folder / "data"), ("{codec}", SHIPPED)):
        more = [word.replace(name, str(place)) for word in more]
    assert command.run(["distill", *words(folder), *more]) == 2
    said = capsys.readouterr().err
    assert told in said and "Traceback" not in said


def test_nothing_is_learnt_from_a_voice_that_was_withdrawn(folder: Path, tmp_path: Path) -> None:
    voice = {"speaker": "someone", "dialect": "en-US", "licence": "CC0-1.0", "consent": "hers"}
    book = tmp_path / "voices.jsonl"
    book.write_text(json.dumps(voice | {"made_of": ["lady"]}) + "\n")
    said = Consent("2026-05-03T12:00:00+00:00", "lady", Event.WITHDRAWN, "herself")
    append(tmp_path / LEDGER, said)
    given = [f"voices.book={book}", f"distill.output={tmp_path / 'run'}"]
    with pytest.raises(UsageError, match="may not be used: the voice 'someone' is made of"):
        distill.run(load_settings(words(folder, *given)), Console(file=io.StringIO()))
    assert not (tmp_path / "run").exists()
