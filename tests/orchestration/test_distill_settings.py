"""What `lauter distill` can be told is what training knows, with the same defaults."""

from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

import pytest

from lauter.orchestration import distill_settings as told
from lauter.student.batches import BatchSettings
from lauter.student.distill import LossSettings
from lauter.student.launch import Launch
from lauter.student.lora import LoraSettings
from lauter.student.mixture import Mixture
from lauter.student.training_settings import OnPolicySettings, TrainSettings

OF_THE_COMMAND = {"data": "export", "output": "distilled", "speak_texts": 0}
"""Training has no default for the first two, and knows of speaking no more than a function."""


def defaults(kind: type[Any]) -> dict[str, Any]:
    """Return the default of each field; those that are groups themselves by their own test."""
    found = {one.name: _default(one) for one in fields(kind)}
    return {name: value for name, value in found.items() if not is_dataclass(value)}


def _default(one: Field[Any]) -> Any:
    value = one.default if one.default_factory is MISSING else one.default_factory()
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        (told.BatchesSettings, BatchSettings),
        (told.LossesSettings, LossSettings),
        (told.OnPolicySettings, OnPolicySettings),
        (told.LoraSettings, LoraSettings),
    ],
)
def test_a_group_has_the_names_and_defaults_of_what_checks_it(
    schema: type[Any], kind: type[Any]
) -> None:
    assert defaults(schema) == defaults(kind)
    groups = [{one.name for one in fields(each)} for each in (schema, kind)]
    assert groups[0] == groups[1]


def test_no_weights_of_a_mixture_are_null_to_hydra() -> None:
    assert defaults(told.MixtureSettings) | {"weights": {}} == defaults(Mixture)


def test_a_run_is_training_and_launch_together() -> None:
    asked, training = defaults(told.DistillSettings), defaults(TrainSettings)
    for one in ("data", "output"):
        assert training.pop(one) is MISSING
    assert asked == training | defaults(Launch) | OF_THE_COMMAND
    groups = {one.name for one in fields(TrainSettings)} - {one.name for one in fields(Launch)}
    assert groups <= {one.name for one in fields(told.DistillSettings)}
