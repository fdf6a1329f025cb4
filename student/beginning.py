"""The student before its first step: weights of a folder, or new ones."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from lauter.student.checkpoint import load_model
from lauter.student.model import SpeechModel, build
from lauter.student.presets import PRESETS
from lauter.student.training_settings import TrainSettings


def beginning(settings: TrainSettings) -> tuple[SpeechModel, Mapping[str, Any]]:
    """Return the student to begin with, and what is known of it (of new weights: nothing)."""
    if settings.init is not None:
        model, told = load_model(settings.init, dtype=torch.float32, expected=settings.preset)
        model.train()
        for part in model.modules():
            if isinstance(part, torch.nn.Dropout):
                part.p = settings.dropout
        return model, told
    config = replace(PRESETS[settings.preset or ""], dropout=settings.dropout)
    return build(config, seed=settings.seed), {}
