"""A student corrected in what it says itself: with its own weights, resumed to the last digit."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from coded_export import coded_export
from midget import SHAPE, midget, settings_of

from lauter.datasets.errors import UsageError
from lauter.datasets.text_tokens import ByteTokenizer
from lauter.student import on_policy
from lauter.student.batches import BatchSettings
from lauter.student.checkpoint import load_model, save_model
from lauter.student.generation import Generated
from lauter.student.model import SpeechModel, build
from lauter.student.train import train
from lauter.student.training_log import read_log
from lauter.student.training_settings import OnPolicySettings, TrainSettings, settings_from


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export, a student, and a teacher that has learnt it for a while."""
    folder = tmp_path_factory.mktemp("on-policy")
    coded_export(folder / "data", 30)
    midget(folder / "init")
    batches = BatchSettings(batch_tokens=800, micro_tokens=800)
    more = {"steps": 40, "learning_rate": 1e-2, "dropout": 0.0, "batches": batches}
    train(settings_of(folder / "data", folder / "taught", folder / "init", **more))
    return folder


def run(folder: Path, name: str, share: float = 1.0, **others: Any) -> TrainSettings:
    asked = OnPolicySettings(share, str(folder / "taught" / "student"))
    how = {"on_policy": asked, "steps": 4} | others
    return settings_of(folder / "data", folder / name, folder / "init", **how)


def lines(output: Path) -> list[dict[str, Any]]:
    timed = ("seconds", "tokens_per_s", "mfu")
    return [{k: v for k, v in line.items() if k not in timed} for line in read_log(output)]


class StopError(Exception):
    """Stands for a power cut."""


def test_a_killed_run_goes_on_to_the_same_digits(folder: Path) -> None:
    def seen(figures: Mapping[str, float], steps: int) -> None:
        taken.append(1)
        if len(taken) == 3:
            raise StopError

    taken: list[int] = []
    train(run(folder, "whole", save_every=2))
    settings = run(folder, "killed", save_every=2)
    with pytest.raises(StopError):
        train(settings, on_step=seen)
    torch.manual_seed(99)
    train(settings)
    assert lines(folder / "killed") == lines(folder / "whole")
    ours = load_model(folder / "killed/student")[0].state_dict()
    for name, weight in load_model(folder / "whole/student")[0].state_dict().items():
        assert torch.equal(ours[name], weight), name


def test_the_student_comes_nearer_to_its_teacher_where_it_goes_itself(folder: Path) -> None:
    batches = BatchSettings(batch_tokens=800, micro_tokens=800)
    more = {"learning_rate": 1e-2, "dropout": 0.0, "batches": batches}
    train(run(folder, "nearer", steps=30, **more))
    told = lines(folder / "nearer")
    first, last = (np.mean([line["loss"] for line in part]) for part in (told[:3], told[-3:]))
    assert last < first / 2
    assert told[-1]["linguistic_teacher"] < told[0]["linguistic_teacher"] / 2
    assert told[-1]["semantic_teacher"] < told[0]["semantic_teacher"]
    _, facts = load_model(folder / "nearer/student")
    assert len(facts["on_policy_teacher"]) == 32


@pytest.mark.parametrize("zero", [0, 3])
def test_what_speaks_has_the_weights_that_the_student_has_now(
    folder: Path, monkeypatch: pytest.MonkeyPatch, zero: int
) -> None:
    spoke: list[dict[str, torch.Tensor]] = []
    generate = on_policy.generate

    def listening(model: SpeechModel, *rest: Any, **more: Any) -> list[Generated]:
        assert not model.training
        spoke.append({name: weight.clone() for name, weight in model.state_dict().items()})
        return generate(model, *rest, **more)

    monkeypatch.setattr(on_policy, "generate", listening)
    level = {
        "zero": zero, "learning_rate": 1e-3, "least_learning_rate": 1e-3, "warm_up": 0,
        "batches": BatchSettings(batch_tokens=400, micro_tokens=400),
    }  # fmt: skip
    train(run(folder, f"one-{zero}", steps=1, **level))
    train(run(folder, f"two-{zero}", steps=2, **level))
    first, _, second = spoke
    for name, weight in load_model(folder / "init")[0].state_dict().items():
        assert torch.equal(first[name], weight), name
    for name, weight in load_model(folder / f"one-{zero}/student")[0].state_dict().items():
        assert torch.equal(second[name], weight), name
        assert not torch.equal(first[name], second[name]), name


def test_the_share_of_the_steps_is_spread_evenly(folder: Path) -> None:
    train(run(folder, "some", share=0.25, steps=6))
    told = lines(folder / "some")
    assert [line["step"] for line in told if "answers" in line] == [4]
    (spoken,) = (line for line in told if "answers" in line)
    assert spoken["answers"] > 5 and 0 <= spoken["ended"] <= 1
    train(run(folder, "none", share=0.0, steps=6))
    assert lines(folder / "none")[:3] == told[:3]


def test_answers_are_as_long_as_they_may_be_and_no_longer(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[list[int], list[Generated]]] = []
    generate = on_policy.generate

    def listening(*given: Any, **more: Any) -> list[Generated]:
        heard.append((more["limits"], generate(*given, **more)))
        return heard[-1][1]

    monkeypatch.setattr(on_policy, "generate", listening)
    train(run(folder, "long", steps=1))
    # Twice the speech of one to four groups; which of them a step has, its draw decides.
    asked = {limit for limits, _ in heard for limit in limits}
    assert len(asked) > 1 and asked <= {10, 20, 30, 40}
    for limits, said in heard:
        for limit, one in zip(limits, said, strict=True):
            assert len(one.codes) <= limit and one.fault is None
            assert one.ended or len(one.codes) == limit
    places = sum(len(one.codes) + one.ended for _, said in heard for one in said)
    assert lines(folder / "long")[0]["targets"] == places


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"share": 1.5}, "on_policy.share is 1.5"),
        ({"teacher": None}, "on-policy steps want a teacher"),
        ({"kind": "sequence"}, "there is no divergence 'sequence'"),
        ({"longest": 0.0}, "on_policy.longest is 0"),
        ({"temperature": -1.0}, "temperature is -1"),
    ],
)
def test_what_cannot_be_said_or_corrected_is_refused(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        OnPolicySettings(**({"share": 0.5, "teacher": "t"} | changed))


@pytest.mark.parametrize(
    ("shape", "facts", "told"),
    [
        ({}, {"codec_fingerprint": "codec-2"}, "of the codec codec-1, those of the teacher .* of"),
        ({"context": 32}, {}, r"longest example has \d+ ids, more than the 32 of the teacher"),
        ({"vocabulary_size": 5504}, {}, "cannot score the student's ids"),
        ({}, {"tokenizer_fingerprint": "words"}, "has learnt with another tokenizer"),
    ],
)
def test_a_teacher_that_cannot_correct_this_student_is_refused(
    folder: Path, tmp_path: Path, shape: dict[str, int], facts: dict[str, str], told: str
) -> None:
    known = {
        "codec_fingerprint": "codec-1", "tokenizer_fingerprint": ByteTokenizer().fingerprint(),
    }  # fmt: skip
    save_model(build(replace(SHAPE, **shape), seed=0), tmp_path / "t", known | facts)
    settings = run(folder, "refused", on_policy=OnPolicySettings(1.0, str(tmp_path / "t")))
    with pytest.raises(UsageError, match=told):
        train(settings)


def test_a_teacher_that_never_spoke_from_a_reference_is_refused(folder: Path) -> None:
    batches = BatchSettings(batch_tokens=800, micro_tokens=800, reference_share=0.5)
    with pytest.raises(UsageError, match=r"from a reference.*reference_share=0, or"):
        train(run(folder, "refused-reference", batches=batches))


def test_settings_come_back_from_json() -> None:
    settings = TrainSettings("d", "o", on_policy=OnPolicySettings(0.5, "t", longest=1.5))
    assert settings_from(settings.plain()) == settings
