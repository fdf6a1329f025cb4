"""A codec is trained from speech to a folder, in steps so few that it is no good."""

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hibari import SAMPLE_RATE, Hibari

from lauter.datasets.audio import Clip
from lauter.datasets.codes import find_fault
from lauter.datasets.errors import UsageError
from lauter.datasets.prompts.phrases import phrase_texts
from lauter.student.codec.codec import open_codec
from lauter.student.codec.train_codes import CodesTraining
from lauter.student.codec.train_flow import FlowTraining
from lauter.student.codec.train_vocoder import VocoderTraining
from lauter.student.codec.training import (
    BookTraining,
    CodecTraining,
    Speech,
    train_codec,
    train_vocoder_alone,
)
from lauter.student.codec.usage import book_usage

SETTINGS = CodecTraining(
    book=BookTraining(batches=5, batch_size=1024),
    codes=CodesTraining(steps=2, batch_size=2),
    flow=FlowTraining(steps=2, batch_size=2),
    vocoder=VocoderTraining(steps=3, batch_size=2, segment_frames=24),
)


@pytest.fixture(scope="module")
def speech() -> list[Speech]:
    voice = Hibari()
    texts = phrase_texts(64)["text"].to_pylist()
    return [Speech(Clip.of(voice(text, seed=0), SAMPLE_RATE), text, "heart") for text in texts]


class StoppedError(Exception):
    pass


class Told:
    """Keeps the stages that it is told of; ``stops`` at one of them."""

    def __init__(self, stops: str = "") -> None:
        self.stages: dict[str, dict[str, float]] = {}
        self._stops = stops

    def __call__(self, stage: str, done: int, of: int, losses: dict[str, float]) -> None:
        if stage == self._stops:
            raise StoppedError
        self.stages[stage] = losses


@pytest.mark.slow
def test_a_stopped_training_goes_on_with_the_stage_that_it_was_stopped_in(
    speech: list[Speech], tmp_path: Path
) -> None:
    with pytest.raises(StoppedError):
        train_codec(speech, tmp_path, SETTINGS, Told(stops="flow"))
    told = Told()

    codec = train_codec(speech, tmp_path, SETTINGS, told)

    assert list(told.stages) == ["hearing", "flow", "vocoder"]
    for name, steps in {"codes": 2, "flow": 2, "vocoder": 3}.items():
        lines = (tmp_path / f"training/{name}.jsonl").read_text().splitlines()
        assert [json.loads(line)["step"] for line in lines] == list(range(1, steps + 1))
    assert all(np.isfinite(list(losses.values())).all() for losses in told.stages.values())
    codes = codec.encode([one.clip.samples for one in speech[:8]], [SAMPLE_RATE] * 8)
    assert all(find_fault(stream) is None for stream in codes)
    linguistic, semantic = book_usage(codes)
    assert linguistic.entries * 3 == semantic.entries * 2
    assert 0 < linguistic.used < 1
    assert 1 <= linguistic.perplexity <= linguistic.entries
    assert open_codec(tmp_path).fingerprint == codec.fingerprint
    assert codec.about["trained_on"]["clips"] == 64

    with pytest.raises(UsageError, match="holds a codec that was trained on other speech or"):
        train_codec(speech, tmp_path, replace(SETTINGS, seed=1), Told())
    never = replace(SETTINGS, vocoder=replace(SETTINGS.vocoder, learning_rate=math.inf))
    with pytest.raises(UsageError, match="step 2 of the stage 'vocoder' are no numbers"):
        train_codec(speech, tmp_path, never, Told())
    assert open_codec(tmp_path).about["training"]["vocoder"]["learning_rate"] < 1


@pytest.mark.slow
def test_stages_stopped_and_shared_out_make_the_codec_of_one_run(
    speech: list[Speech], tmp_path: Path
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train_codec(speech, whole, SETTINGS, Told())
    beside = Told()
    train_vocoder_alone(speech, parts, SETTINGS, beside)
    assert list(beside.stages) == ["vocoder"]
    with pytest.raises(StoppedError):
        train_codec(speech, parts, SETTINGS, Told(stops="flow"))
    last = Told()
    train_codec(speech, parts, SETTINGS, last)
    assert list(last.stages) == ["hearing", "flow"]
    weights = [(folder / "codec.safetensors").read_bytes() for folder in (whole, parts)]
    assert weights[0] == weights[1]


def test_too_little_speech_is_refused(speech: list[Speech], tmp_path: Path) -> None:
    def few() -> Iterator[Speech]:
        yield from speech[:2]

    with pytest.raises(UsageError, match="cannot fill a book of 1024 entries"):
        train_codec(few(), tmp_path, SETTINGS, Told())


def test_a_vocoder_is_not_trained_on_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no speech to train a vocoder on"):
        train_vocoder_alone([], tmp_path, SETTINGS, Told())
