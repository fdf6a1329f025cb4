"""What a student reads with, from its first step to its folder."""

from dataclasses import replace
from pathlib import Path

import pytest

from lauter.datasets.errors import UsageError
from lauter.datasets.text_tokens import ByteTokenizer
from lauter.student.beginning import beginning
from lauter.student.checkpoint import load_model, load_tokenizer
from lauter.student.presets import PRESETS
from lauter.student.teaching import Teacher
from lauter.student.train import train
from lauter.student.training_settings import OnPolicySettings, TrainSettings
from tests.support.midget import settings_of


def new(folder: Path, output: str, **others: object) -> TrainSettings:
    settings = settings_of(folder / "data", folder / output, folder / "init")
    return replace(settings, init=None, preset="tiny", steps=1, dropout=0.0, **others)


def test_pairs_are_learnt_from_the_training_texts(folder: Path) -> None:
    model, told, tokenizer = beginning(new(folder, "none", tokenizer="pairs", text_size=300))
    assert tokenizer.size == 300 and not told
    text = "a sentence of the data"
    assert len(tokenizer.encode(text)) < len(ByteTokenizer().encode(text))
    assert model.config.text_size == 300 and model.config.vocabulary_size == 5440
    again = beginning(new(folder, "other", tokenizer="pairs", text_size=300))[2]
    assert again.fingerprint() == tokenizer.fingerprint()


def test_without_them_a_preset_stays_what_it_is(folder: Path) -> None:
    model, _, tokenizer = beginning(new(folder, "none"))
    assert model.config == PRESETS["tiny"]
    assert tokenizer.fingerprint() == ByteTokenizer().fingerprint()


def test_a_student_keeps_its_tokenizer_and_lends_it(folder: Path) -> None:
    first = train(new(folder, "first", tokenizer="pairs", text_size=300)).student
    learnt = load_tokenizer(first)
    assert load_model(first, expected="tiny")[1]["tokenizer_fingerprint"] == learnt.fingerprint()
    further = settings_of(folder / "data", folder / "further", first, preset="tiny", steps=1)
    for settings in (further, new(folder, "alike", tokenizer=str(first))):
        assert load_tokenizer(train(settings).student).fingerprint() == learnt.fingerprint()
    assert Teacher.open(first).fingerprint
    (first / "tokenizer.json").unlink()
    for use in (
        lambda: Teacher.open(first),
        lambda: beginning(further),
        lambda: beginning(new(folder, "none", tokenizer=str(first))),
    ):
        with pytest.raises(UsageError, match="copy its whole folder again"):
            use()


def test_a_run_does_not_go_on_with_another_tokenizer(folder: Path) -> None:
    train(new(folder, "run", tokenizer="pairs", text_size=300))
    with pytest.raises(UsageError, match="was trained with tokenizer_fingerprint="):
        train(new(folder, "run"))


def test_a_teacher_that_reads_otherwise_is_told_how_to_be_followed(folder: Path) -> None:
    teacher = train(new(folder, "bytes")).student
    asked = OnPolicySettings(share=1.0, teacher=str(teacher))
    with pytest.raises(UsageError, match=r"and set distill.tokenizer to the teacher's folder"):
        train(new(folder, "refused", tokenizer="pairs", text_size=300, on_policy=asked))


def test_a_folder_that_is_no_student_is_told(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"set distill.tokenizer to bytes, pairs or the"):
        beginning(new(folder, "none", tokenizer=str(folder / "nowhere")))
