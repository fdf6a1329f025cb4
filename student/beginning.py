"""The student before its first step: weights of a folder, or new ones, and what it reads with."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from lauter.datasets.errors import UsageError
from lauter.datasets.pair_tokenizer import PairTokenizer
from lauter.datasets.text_tokens import ByteTokenizer, TextTokenizer
from lauter.student.checkpoint import CONFIG, load_model, load_tokenizer
from lauter.student.examples import texts_of
from lauter.student.model import SpeechModel, build
from lauter.student.presets import PRESETS, with_text
from lauter.student.training_settings import BYTES, PAIRS, TrainSettings


def beginning(settings: TrainSettings) -> tuple[SpeechModel, Mapping[str, Any], TextTokenizer]:
    """Return the student to begin with, what is known of it (of new weights: nothing), its reader.

    All processes of a run come to the same. Raises ``UsageError`` where a folder holds no student,
    or the texts to learn a tokenizer from cannot be read.
    """
    if settings.init is not None:
        model, told = load_model(settings.init, dtype=torch.float32, expected=settings.preset)
        model.train()
        for part in model.modules():
            if isinstance(part, torch.nn.Dropout):
                part.p = settings.dropout
        # The published weights, of which nothing is told, learn to read anew.
        return model, told, load_tokenizer(settings.init) if told else _new_tokenizer(settings)
    tokenizer = _new_tokenizer(settings)
    shape = with_text(PRESETS[settings.preset or ""], tokenizer.size)
    return build(replace(shape, dropout=settings.dropout), seed=settings.seed), {}, tokenizer


def _new_tokenizer(settings: TrainSettings) -> TextTokenizer:
    if settings.tokenizer == BYTES:
        return ByteTokenizer()
    if settings.tokenizer == PAIRS:
        texts = texts_of(settings.data, settings.train_split)
        return PairTokenizer.learnt(texts, settings.text_size)
    if not (Path(settings.tokenizer) / CONFIG).exists():
        raise UsageError(
            f"there is no tokenizer '{settings.tokenizer}'; set distill.tokenizer to {BYTES}, "
            f"{PAIRS} or the folder of a student"
        )
    return load_tokenizer(settings.tokenizer)
