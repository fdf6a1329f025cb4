"""One process: updates are exact means, runs go on where they stopped, bad ones lose nothing."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from coded_export import coded_export
from midget import SHAPE, settings_of

from lauter.datasets.corpus_lock import single_writer
from lauter.datasets.errors import UsageError
from lauter.datasets.layout import COMPACT
from lauter.datasets.text_tokens import ByteTokenizer, TextTokenizer
from lauter.student.batches import BatchSettings, Packs, Position
from lauter.student.checkpoint import load_model
from lauter.student.distill import LossSettings, distillation_loss
from lauter.student.examples import SpokenExamples
from lauter.student.model import SpeechModel
from lauter.student.train import NoNumberError, train
from lauter.student.training_log import read_log, training_flops
from lauter.student.training_settings import TrainSettings, learning_rate
from lauter.student.training_state import newest_checkpoint


@pytest.fixture(scope="module")
def whole(folder: Path) -> Path:
    """A run of six steps that was never stopped."""
    train(run(folder, "whole", evaluate_every=2, save_every=2))
    return folder / "whole"


def run(folder: Path, name: str, **others: Any) -> TrainSettings:
    return settings_of(folder / "data", folder / name, folder / "init", **others)


def lines(output: Path, kind: str = "train") -> list[dict[str, Any]]:
    timed = ("seconds", "tokens_per_s", "mfu")
    return [
        {name: value for name, value in line.items() if name not in timed}
        for line in read_log(output)
        if line["kind"] == kind
    ]


class StopError(Exception):
    """Stands for a power cut."""


def cut_off_after(step: int) -> Any:
    seen: list[int] = []

    def on_step(figures: Mapping[str, float], steps: int) -> None:
        seen.append(1)
        if len(seen) == step:
            raise StopError

    return on_step


@pytest.mark.parametrize("killed_after", [1, 2, 5])
def test_a_killed_run_goes_on_to_the_same_digits(
    folder: Path, whole: Path, killed_after: int
) -> None:
    settings = run(folder, f"killed-{killed_after}", evaluate_every=2, save_every=2)
    with pytest.raises(StopError):
        train(settings, on_step=cut_off_after(killed_after))
    torch.rand(7), torch.manual_seed(99)
    result = train(settings)
    assert lines(Path(settings.output)) == lines(whole)
    assert lines(Path(settings.output), "valid") == lines(whole, "valid")
    ours = load_model(result.student)[0].state_dict()
    for name, weight in load_model(whole / "student")[0].state_dict().items():
        assert torch.equal(ours[name], weight), name


def test_a_finished_run_trains_no_further(folder: Path, whole: Path) -> None:
    before = (whole / "log.jsonl").read_text()
    result = train(run(folder, "whole", evaluate_every=2, save_every=2))
    assert result.steps == 6 and (whole / "log.jsonl").read_text() == before


def test_a_step_is_pytorchs_on_the_mean_over_all_places(folder: Path) -> None:
    """The slow reference: all packs of a step in one batch, autograd, clip, AdamW."""
    plain = {"dropout": 0.0, "steps": 3, "batches": BatchSettings(batch_tokens=400, micro_tokens=1)}
    settings = run(folder, "reference", **plain)
    result = train(settings)
    model, _ = load_model(folder / "init")
    packs = Packs(
        SpokenExamples(folder / "data", ByteTokenizer(), COMPACT), COMPACT, settings.batches, 512
    )
    at_once = Packs(packs.examples, COMPACT, BatchSettings(batch_tokens=400), 512)
    decayed = [weight for weight in model.parameters() if weight.ndim > 1]
    others = [weight for weight in model.parameters() if weight.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}],
        betas=(0.9, 0.95),
    )
    assert packs.accumulation(1) > at_once.accumulation(1) == 1
    for number, step in enumerate(at_once.steps(Position())):
        if number == 3:
            break
        (batch,) = step.batches
        hidden = model.hidden(batch.ids, batch.segments).flatten(0, 1)[batch.places]
        loss = distillation_loss(
            model.head(hidden), batch.targets, batch.slots, LossSettings(), COMPACT
        ).mean
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(settings, number, 3)
        optimizer.step()
        assert lines(folder / "reference")[number]["loss"] == pytest.approx(loss.item(), abs=1e-5)
    trained = load_model(result.student)[0].state_dict()
    for name, weight in model.state_dict().items():
        # AdamW divides by the gradient: where that is next to nothing, its rounding shows.
        assert (trained[name] - weight).abs().mean() < 1e-6, name


@pytest.mark.parametrize(
    "changed",
    [
        {"zero": 1}, {"zero": 2, "offload": "optimizer"},
        {"zero": 3, "offload": "all"}, {"checkpoint_activations": True},
        {"zero": 3, "checkpoint_activations": True},
    ],
    ids=str,
)  # fmt: skip
def test_how_it_is_run_changes_no_figure(folder: Path, changed: dict[str, Any]) -> None:
    plain = run(folder, "plain", dropout=0.0, steps=3)
    train(plain)
    name = "-".join(f"{key}{value}" for key, value in changed.items())
    train(run(folder, name, dropout=0.0, steps=3, **changed))
    expected = [line["loss"] for line in lines(folder / "plain")]
    assert [line["loss"] for line in lines(folder / name)] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("zero", [1, 3])
def test_in_bfloat16_it_learns_about_the_same(folder: Path, zero: int) -> None:
    train(run(folder, f"bf16-{zero}", steps=6, zero=zero, dropout=0.0, precision="bf16"))
    train(run(folder, "fp32", steps=6, dropout=0.0))
    expected = [line["loss"] for line in lines(folder / "fp32")]
    losses = [line["loss"] for line in lines(folder / f"bf16-{zero}")]
    assert losses == pytest.approx(expected, abs=0.1)


def test_it_learns_what_there_is_to_learn(folder: Path) -> None:
    batches = BatchSettings(batch_tokens=800, micro_tokens=800)
    settings = run(
        folder,
        "long",
        steps=60,
        learning_rate=1e-2,
        dropout=0.0,
        batches=batches,
        evaluate_every=30,
    )
    train(settings)
    first, *_, last = lines(folder / "long")
    assert first["loss"] > 7.5 and last["loss"] < 3.5
    valid = lines(folder / "long", "valid")
    assert valid[-1]["all/loss"] < first["loss"] / 2
    assert {name.split("/")[0] for name in valid[0]} >= {"all", "en", "zh", "en-GB", "cmn", "joy"}


def spoken(figures: Iterator[float]) -> Any:
    def speak(model: SpeechModel, tokenizer: TextTokenizer) -> dict[str, float]:
        assert not model.training
        torch.rand(5)
        return {"cer": next(figures)}

    return speak


def test_speech_chooses_the_best_and_patience_ends_the_run(folder: Path) -> None:
    settings = run(folder, "patient", steps=20, evaluate_every=2, patience=2)
    result = train(settings, speak_evaluation=spoken(iter([0.5, 0.2, 0.3, 0.4, 0.1])))
    assert (result.ended, result.steps, result.best, result.best_step) == ("patience", 8, 0.2, 4)
    _, facts = load_model(result.student)
    assert facts["step"] == 4 and facts["best"] == 0.2
    assert facts["codec_fingerprint"] == "codec-1" and facts["speakers"] == ["someone"]
    assert {cell["language"] for cell in facts["cells"]} == {"en", "zh"}
    again = train(settings, speak_evaluation=spoken(iter([])))
    assert again.steps == 8


def test_patience_that_ends_with_an_owed_evaluation_ends_the_run(folder: Path) -> None:
    settings = run(folder, "impatient", steps=20, evaluate_every=2, save_every=2, patience=2)
    figures = [0.5, 0.6]

    def deaf_in_the_end(model: SpeechModel, tokenizer: TextTokenizer) -> Mapping[str, float]:
        if not figures:
            raise UsageError("the recogniser is not here")
        return {"cer": figures.pop(0)}

    with pytest.raises(UsageError, match="the recogniser is not here"):
        train(settings, speak_evaluation=deaf_in_the_end)
    result = train(settings, speak_evaluation=spoken(iter([0.7])))
    assert (result.ended, result.steps, result.best_step) == ("patience", 6, 2)


def test_a_figure_that_is_no_number_is_never_the_best_and_is_told(folder: Path) -> None:
    settings = run(folder, "puzzled", steps=6, evaluate_every=2)
    result = train(settings, speak_evaluation=spoken(iter([math.nan, 0.5, math.inf])))
    assert (result.best, result.best_step) == (0.5, 4)
    assert [note.split(",")[0] for note in result.notes] == [
        f"at step {step} the error rate of what the student said is no number ({figure})"
        for step, figure in ((2, "nan"), (6, "inf"))
    ]
    first, second, _ = lines(folder / "puzzled", "valid")
    assert first["spoken/cer"] is None and first["note"] in result.notes[0]
    assert second["spoken/cer"] == 0.5 and "note" not in second


def test_without_one_number_the_last_student_is_written(folder: Path) -> None:
    settings = run(folder, "lost", steps=2, evaluate_every=1)
    result = train(settings, speak_evaluation=spoken(iter([math.nan] * 2)))
    assert result.best is None and len(result.notes) == 2
    assert load_model(result.student)[1]["step"] == 2


def test_a_held_out_loss_that_is_no_number_is_told_as_such(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = SpeechModel.hidden

    def spoilt(self: SpeechModel, ids: torch.Tensor, *rest: Any) -> torch.Tensor:
        found = hidden(self, ids, *rest)
        return found if self.training else found * float("nan")

    monkeypatch.setattr(SpeechModel, "hidden", spoilt)
    result = train(run(folder, "unheard", steps=1, evaluate_every=1))
    assert result.best is None
    assert result.notes[0].startswith("at step 1 the held-out loss is no number (nan)")
    for line in read_log(folder / "unheard"):
        json.dumps(line, allow_nan=False)


def test_an_evaluation_that_fails_costs_no_step(folder: Path, whole: Path) -> None:
    def deaf(model: SpeechModel, tokenizer: TextTokenizer) -> Mapping[str, float]:
        raise UsageError("the recogniser is not here")

    settings = run(folder, "deaf", evaluate_every=3, save_every=100)
    with pytest.raises(UsageError, match="the recogniser is not here"):
        train(settings, speak_evaluation=deaf)

    train(settings, speak_evaluation=spoken(iter([0.5] * 2)))

    assert lines(folder / "deaf") == lines(folder / "whole")


def test_a_checkpoint_is_there_before_its_evaluation_begins(folder: Path) -> None:
    there = []

    def killed(model: SpeechModel, tokenizer: TextTokenizer) -> Mapping[str, float]:
        newest = newest_checkpoint(folder / "killed")
        there.append(newest and newest.progress.step)
        return {"cer": 0.5}

    train(run(folder, "killed", evaluate_every=2, save_every=2), speak_evaluation=killed)
    assert there == [2, 4, 6]
    newest = newest_checkpoint(folder / "killed")
    assert newest.progress.evaluated == 6 and newest.progress.best == 0.5


def test_a_student_that_cannot_be_written_costs_no_step(folder: Path, whole: Path) -> None:
    settings = run(folder, "foreign", evaluate_every=3, save_every=100)
    (folder / "foreign" / "student").mkdir(parents=True)
    (folder / "foreign" / "student" / "mine.wav").touch()
    with pytest.raises(UsageError, match="student"):
        train(settings)
    assert newest_checkpoint(folder / "foreign").progress.step == 3

    (folder / "foreign" / "student" / "mine.wav").unlink()
    train(settings)
    assert lines(folder / "foreign") == lines(whole)


def test_the_best_that_could_not_be_written_is_written_by_the_next_run(folder: Path) -> None:
    settings = run(folder, "best", evaluate_every=3, save_every=100)
    (folder / "best" / "student").mkdir(parents=True)
    (folder / "best" / "student" / "mine.wav").touch()
    with pytest.raises(UsageError, match="student"):
        train(settings, speak_evaluation=spoken(iter([0.1])))
    assert newest_checkpoint(folder / "best").progress.best is None
    kept = (newest_checkpoint(folder / "best").folder / "training.json").stat().st_ino
    with pytest.raises(UsageError, match="student"):
        train(settings, speak_evaluation=spoken(iter([0.1])))
    # Nothing was learnt since: the checkpoint is not put at risk by another one of its step.
    assert (newest_checkpoint(folder / "best").folder / "training.json").stat().st_ino == kept

    (folder / "best" / "student" / "mine.wav").unlink()
    result = train(settings, speak_evaluation=spoken(iter([0.1, 0.9])))
    assert (result.best, result.best_step) == (0.1, 3)
    facts = load_model(result.student)[1]
    assert (facts["step"], facts["best"]) == (3, 0.1)


def test_an_evaluation_owed_at_the_end_is_made_once(folder: Path) -> None:
    settings = run(folder, "owed", steps=None, epochs=1, evaluate_every=100, save_every=100)
    (folder / "owed" / "student").mkdir(parents=True)
    (folder / "owed" / "student" / "mine.wav").touch()
    with pytest.raises(UsageError, match="student"):
        train(settings)
    (folder / "owed" / "student" / "mine.wav").unlink()
    first, second = train(settings), train(settings)
    assert first.best == second.best is not None
    assert len(lines(folder / "owed", "valid")) == 1


def test_an_error_rate_is_not_compared_with_a_loss(folder: Path) -> None:
    settings = run(folder, "measures", steps=3, evaluate_every=3)
    assert train(settings, speak_evaluation=spoken(iter([0.01]))).best == 0.01
    result = train(run(folder, "measures", steps=6, evaluate_every=3))
    assert result.best_step == 6 and result.best > 0.01
    assert load_model(result.student)[1]["step"] == 6


def test_two_runs_do_not_share_a_folder(folder: Path) -> None:
    (folder / "shared").mkdir()
    told = r"the run .*shared is being written by process \d+"
    with (
        single_writer(folder / "shared", kind="run"),
        pytest.MonkeyPatch.context() as patched,
        pytest.raises(UsageError, match=told),
    ):
        # The other one may still write a checkpoint: it is not looked for before.
        patched.setattr("lauter.student.train.newest_checkpoint", pytest.fail)
        train(run(folder, "shared"))
    assert train(run(folder, "shared", steps=1)).steps == 1


def test_evaluation_draws_no_lots_of_the_training(folder: Path, whole: Path) -> None:
    settings = run(folder, "spoken", evaluate_every=1)
    train(settings, speak_evaluation=spoken(iter([0.5] * 6)))
    assert lines(folder / "spoken") == lines(whole)


def test_a_loss_that_is_no_number_names_its_requests_and_keeps_the_checkpoint(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = run(folder, "broken", steps=6, save_every=2)
    packs = Packs(
        SpokenExamples(folder / "data", ByteTokenizer(), COMPACT), COMPACT, settings.batches, 512
    )
    steps = list(packs.steps(Position(), epochs=1))
    poisoned = steps[3].batches[1].request_ids
    hidden = SpeechModel.hidden
    names = steps[3].batches[1].ids

    def spoilt(self: SpeechModel, ids: torch.Tensor, *rest: Any) -> torch.Tensor:
        found = hidden(self, ids, *rest)
        return found * float("nan") if torch.equal(ids, names) else found

    monkeypatch.setattr(SpeechModel, "hidden", spoilt)
    with pytest.raises(NoNumberError, match="the loss of step 4 is no number") as error:
        train(settings)
    assert all(name in str(error.value) for name in poisoned)
    assert not any(name in str(error.value) for name in steps[3].batches[0].request_ids)
    monkeypatch.undo()
    checkpoint = newest_checkpoint(Path(settings.output))
    assert checkpoint is not None and checkpoint.progress.step == 2
    assert train(settings).steps == 6


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"zero": 1}, "was trained with zero=0, and this run has zero=1"),
        ({"zero": 1, "precision": "bf16"}, "was trained with zero=0"),
        ({"batches": BatchSettings(batch_tokens=4000)}, "packs_a_step"),
        ({"init": None, "preset": "tiny"}, "was trained with preset=null, and this run has"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(
    folder: Path, whole: Path, changed: dict[str, Any], told: str
) -> None:
    before = sorted((whole / "checkpoints").rglob("*"))
    with pytest.raises(UsageError, match=told):
        train(replace(run(folder, "whole", evaluate_every=2), **changed))
    assert sorted((whole / "checkpoints").rglob("*")) == before


def test_codes_of_another_codec_are_refused(folder: Path, whole: Path, tmp_path: Path) -> None:
    other = coded_export(tmp_path / "other", 20, codecs=("codec-2",))
    with pytest.raises(UsageError, match=r"codec_fingerprint=codec-1, and this run has"):
        train(replace(run(folder, "whole"), data=str(other)))
    with pytest.raises(UsageError, match=r"of the codec codec-2, those of .* of codec-1"):
        train(settings_of(other, tmp_path / "begun", whole / "student"))


def test_logits_of_another_teacher_are_not_gone_on_with(folder: Path, tmp_path: Path) -> None:
    """An export in Lance is known by its samples, which are the same after `lauter teach`."""
    loss = LossSettings("forward_kl", teacher_weight=1.0)
    for teacher in ("t1", "t2"):
        coded_export(tmp_path / teacher, 20, kind="lance", teachers=(teacher,))
    settings = settings_of(tmp_path / "t1", tmp_path / "run", folder / "init", loss=loss, steps=1)
    train(settings)
    with pytest.raises(UsageError, match=r"teacher_fingerprint=t1, and this run has .*=t2"):
        train(replace(settings, data=str(tmp_path / "t2"), steps=2))


def test_a_damaged_checkpoint_is_told_apart_from_none(folder: Path, tmp_path: Path) -> None:
    settings = settings_of(folder / "data", tmp_path / "run", folder / "init", steps=1)
    train(settings)
    (tmp_path / "run/checkpoints/step-00000001/training.json").write_text("{")
    with pytest.raises(UsageError, match="is damaged"):
        train(settings)


@pytest.mark.parametrize("adapter_weights", [0, 96])
def test_flops_are_those_of_the_loops(folder: Path, adapter_weights: int) -> None:
    packs = Packs(
        SpokenExamples(folder / "data", ByteTokenizer(), COMPACT),
        COMPACT, BatchSettings(batch_tokens=400), 512,
    )  # fmt: skip
    batch = packs.batch([(0, pack) for pack in packs.epoch(0)[:2]])
    expected = 0
    often = 2 if adapter_weights else 3  # nobody wants the gradient of what does not learn
    for record, length in zip(batch.records, lengths_of(batch.segments), strict=True):
        for at in range(length):
            of_layer = 2 * 32 * 32 + 2 * 32 * 16 + 3 * 32 * 64
            expected += 2 * 2 * (often * of_layer + 3 * 2 * 32 * (at + 1))
            expected += 2 * 3 * adapter_weights
        groups = len(record["codes"]) // 5
        expected += often * 2 * 32 * (1024 * (2 * groups + 1) + 4096 * 3 * groups)
    found = training_flops(SHAPE, batch, slot_aware=True, adapter_weights=adapter_weights)
    assert found == expected


def lengths_of(segments: torch.Tensor) -> list[int]:
    return [
        int((row == segment).sum()) for row in segments for segment in range(1, int(row.max()) + 1)
    ]


def test_old_checkpoints_go_and_every_line_has_its_figures(whole: Path) -> None:
    tags = sorted(one.name for one in (whole / "checkpoints").glob("step-*"))
    assert tags == ["step-00000004", "step-00000006"]
    for line in read_log(whole):
        json.dumps(line, allow_nan=False)
        if line["kind"] == "train":
            assert line["mfu"] > 0 and line["tokens_per_s"] > 0 and line["gradient_norm"] > 0
