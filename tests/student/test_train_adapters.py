"""A run with adapters: they alone learn and are kept, and what is written is a plain student."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from midget import SHAPE, settings_of
from torch import Tensor

from lauter.datasets.errors import UsageError
from lauter.datasets.text_tokens import TextTokenizer
from lauter.student.checkpoint import load_model, save_model
from lauter.student.lora import LoraSettings
from lauter.student.model import SpeechModel, build
from lauter.student.train import train
from lauter.student.training_log import read_log
from lauter.student.training_settings import OnPolicySettings, TrainSettings, settings_from

LORA = LoraSettings(rank=2, alpha=8.0, targets=("q_proj", "v_proj", "down_proj"))


def run(folder: Path, name: str, **others: Any) -> TrainSettings:
    plain: dict[str, Any] = {"lora": LORA, "learning_rate": 1e-2, "save_every": 2}
    return settings_of(folder / "data", folder / name, folder / "init", **(plain | others))


@pytest.fixture(scope="module")
def whole(folder: Path) -> Path:
    """A run of six steps that was never stopped."""
    train(run(folder, "whole", evaluate_every=2))
    return folder / "whole"


def weights(student: Path) -> Mapping[str, Tensor]:
    return load_model(student)[0].state_dict()


def figures(output: Path) -> list[dict[str, Any]]:
    timed = ("seconds", "tokens_per_s", "mfu")
    return [
        {name: value for name, value in line.items() if name not in timed}
        for line in read_log(output)
    ]


class StopError(Exception):
    """Stands for a power cut."""


def cut_off(figures: Mapping[str, float], steps: int) -> None:
    if figures["pack"] >= 6:
        raise StopError


@pytest.mark.parametrize("how", [{}, {"zero": 2}, {"zero": 3}], ids=str)
def test_only_the_chosen_projections_change_and_by_no_more_than_the_rank(
    folder: Path, how: dict[str, Any]
) -> None:
    result = train(run(folder, f"frozen-{how}", **how))
    before, after = weights(folder / "init"), weights(result.student)
    assert list(after) == list(before)
    for name, weight in after.items():
        if any(target in name for target in LORA.targets):
            change = (weight - before[name]).double()
            singular = torch.linalg.svdvals(change)
            assert singular[1] > 1e-5 > 10 * singular[2], name
        else:
            assert torch.equal(weight, before[name]), name


def test_the_student_is_read_as_any_other_and_says_how_it_was_made(whole: Path) -> None:
    model, facts = load_model(whole / "student")
    assert type(model.model.layers[0].self_attn.q_proj) is torch.nn.Linear
    assert facts["settings"]["lora"] == {"rank": 2, "alpha": 8.0, "targets": list(LORA.targets)}


def test_adapters_learn(whole: Path) -> None:
    losses = [line["loss"] for line in read_log(whole) if line["kind"] == "train"]
    assert losses[-1] < losses[0] - 0.05


@pytest.mark.parametrize("zero", [0, 1, 3])
def test_a_killed_run_goes_on_to_the_same_digits(folder: Path, zero: int) -> None:
    through = run(folder, f"through-{zero}", evaluate_every=2, zero=zero)
    train(through)
    settings = run(folder, f"killed-{zero}", evaluate_every=2, zero=zero)
    with pytest.raises(StopError):
        train(settings, on_step=cut_off)
    torch.rand(7), torch.manual_seed(99)
    result = train(settings)
    assert figures(folder / f"killed-{zero}") == figures(folder / f"through-{zero}")
    expected = weights(folder / f"through-{zero}" / "student")
    for name, weight in weights(result.student).items():
        assert torch.equal(weight, expected[name]), name


def test_a_checkpoint_holds_the_adapters_alone(folder: Path, whole: Path) -> None:
    (newest, *_) = sorted((whole / "checkpoints").glob("step-*"), reverse=True)
    kept = torch.load(newest / "mp_rank_00_model_states.pt", weights_only=False)["module"]
    assert len(kept) == 2 * len(LORA.targets) * SHAPE.layers
    assert all(name.endswith((".up", ".down")) for name in kept)


@pytest.mark.parametrize("zero", [0, 3])
def test_whoever_listens_in_between_hears_the_student_that_is_written(
    folder: Path, zero: int
) -> None:
    heard: list[dict[str, Tensor]] = []

    def speak(model: SpeechModel, tokenizer: TextTokenizer) -> dict[str, float]:
        heard.append({name: weight.clone() for name, weight in model.state_dict().items()})
        return {"cer": 1 / len(heard)}

    settings = run(folder, f"heard-{zero}", zero=zero, steps=4, evaluate_every=2)
    written = weights(train(settings, speak_evaluation=speak).student)
    assert all(torch.equal(weight, written[name]) for name, weight in heard[-1].items())
    assert not all(torch.equal(weight, written[name]) for name, weight in heard[0].items())


def test_what_it_says_itself_is_corrected_by_its_adapters(folder: Path, whole: Path) -> None:
    asked = OnPolicySettings(1.0, str(whole / "student"))
    train(run(folder, "on-policy", steps=2, on_policy=asked))
    lines = read_log(folder / "on-policy")
    assert all(line["answers"] > 2 and line["linguistic_teacher"] > 0 for line in lines)


def test_in_bfloat16_it_learns_about_the_same(folder: Path, whole: Path) -> None:
    train(run(folder, "bf16", zero=1, precision="bf16", evaluate_every=2))
    expected = [line["loss"] for line in read_log(whole) if line["kind"] == "train"]
    losses = [line["loss"] for line in read_log(folder / "bf16") if line["kind"] == "train"]
    assert losses == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"lora": replace(LORA, rank=3)}, "was trained with lora="),
        ({"lora": LoraSettings()}, "and this run has lora=null"),
    ],
)
def test_a_checkpoint_of_other_adapters_is_refused(
    folder: Path, whole: Path, changed: dict[str, Any], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        train(run(folder, "whole", evaluate_every=2, **changed))


def test_adapters_are_not_put_on_another_student(folder: Path, whole: Path, tmp_path: Path) -> None:
    save_model(build(SHAPE, seed=1), tmp_path / "other", {})
    with pytest.raises(UsageError, match="was trained with base="):
        train(replace(run(folder, "whole", evaluate_every=2), init=str(tmp_path / "other")))


def test_adapters_want_a_student_to_begin_with() -> None:
    with pytest.raises(UsageError, match=r"adapters want a student to adapt.*set distill.init"):
        TrainSettings("d", "o", lora=LORA)


def test_settings_come_back_from_what_was_written() -> None:
    settings = TrainSettings("d", "o", init="i", lora=LORA)
    assert settings_from(settings.plain()) == settings
