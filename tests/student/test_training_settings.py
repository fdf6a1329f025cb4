"""Settings that cannot be trained with are sentences; the rate follows the published cosine."""

from typing import Any

import pytest

from lauter.datasets.errors import UsageError
from lauter.student.training_settings import TrainSettings, learning_rate


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"preset": "huge"}, "there is no student 'huge'; set distill.preset to one of tiny"),
        ({"epochs": 2}, "set one of distill.steps and distill.epochs"),
        ({"offload": "all"}, "distill.offload=all does not go with distill.zero=0"),
        ({"precision": "fp16"}, "distill.precision is 'fp16'; choose fp32 or bf16"),
        ({"precision": "bf16"}, "bf16 wants a stage that keeps .*; set distill.zero=1 or more"),
        ({"zero": 4}, "DeepSpeed's stages are 0, 1, 2 and 3"),
        ({"clip": 0.0}, "distill.clip is 0"),
        ({"seed": -1}, "distill.seed is -1; set 0 to"),
        ({"weight_decay": -1.0}, "distill.weight_decay is -1; set 0 or more"),
        ({"betas": (0.9, 1.0)}, "distill.betas are .*; set two shares from 0 to below 1"),
        ({"betas": (0.9,)}, "distill.betas are .*; set two shares from 0 to below 1"),
        ({"learning_rate": 0.0, "least_learning_rate": 0.0}, "set the first above 0"),
        ({"dropout": 1.5}, "distill.dropout is 1.5; set a share"),
        ({"patience": 2, "evaluate_every": 0}, "distill.patience=2 waits for evaluations"),
        ({"learning_rate": 1e-5}, "falls to distill.least_learning_rate"),
        ({"save_every": 0}, "distill.save_every is 0; set 1 or more"),
    ],
)
def test_settings_that_cannot_be_trained_with_are_refused(
    changed: dict[str, Any], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        TrainSettings(**({"data": "d", "output": "o"} | changed))


def test_the_rate_rises_then_falls_along_a_cosine() -> None:
    settings = TrainSettings("d", "o", learning_rate=2e-5, least_learning_rate=2e-6, warm_up=10)
    rates = [learning_rate(settings, step, 110) for step in range(111)]
    assert rates[0] == pytest.approx(2e-6) and rates[9] == rates[10] == 2e-5
    assert rates[60] == pytest.approx(1.1e-5) and rates[110] == pytest.approx(2e-6)
    assert rates[10:] == sorted(rates[10:], reverse=True)
