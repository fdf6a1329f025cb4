"""Any of our models is a teacher: its answers against a slow reference, and whom it refuses."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from coded_export import coded_export

from lauter.datasets.errors import UsageError
from lauter.datasets.layout import COMPACT, END, STEP_AUDIO, Example
from lauter.datasets.text_tokens import ByteTokenizer
from lauter.datasets.top_logits import compress, decompress
from lauter.student.batches import Batch, collate
from lauter.student.checkpoint import load_model, save_model
from lauter.student.distill import LossSettings, TeacherTop, distillation_loss
from lauter.student.examples import SpokenExample, SpokenExamples
from lauter.student.generation import Generated, Sampling, generate
from lauter.student.model import SpeechModel, build
from lauter.student.presets import ModelConfig
from lauter.student.teaching import (
    Kept,
    Teacher,
    check_same_ids,
    spoken_examples,
    stored_weights_digest,
    teacher_logits,
    weights_digest,
)

SHAPE = ModelConfig(COMPACT.size, COMPACT.text_size, 32, 2, 2, 16, 1, 48, 256)
FACTS = {
    "codec_fingerprint": "codec-1",
    "tokenizer_fingerprint": ByteTokenizer().fingerprint(),
}
ALL = Kept(k=8, mass=1.0)


@pytest.fixture(scope="module")
def model() -> SpeechModel:
    return build(SHAPE, seed=0).eval()


def row(number: int = 1, groups: int = 2, **changed: Any) -> dict[str, Any]:
    random = np.random.default_rng(number)
    group = [random.integers(0, 1024, 2), random.integers(1024, 5120, 3)]
    codes = np.concatenate([np.concatenate(group)] * groups).tolist()
    return {
        "request_id": f"u{number}", "text": "say it", "emotion": "joy", "emotion_level": 2,
        "dialect": "en-US", "style": "plain", "speed_level": -1, "speaker": "someone",
        "codes": codes,
        "codec_fingerprint": "codec-1",
    } | changed  # fmt: skip


def test_the_answer_is_what_the_whole_model_says_over_legal_ids(model: SpeechModel) -> None:
    teacher = Teacher(model, FACTS, kept=ALL)
    examples = [teacher.example(row(1, 2)), teacher.example(row(2, 3))]
    for example, answer in zip(examples, teacher.score(examples), strict=True):
        assert answer.places == int(example.is_target.sum())
        logits = model(torch.from_numpy(example.ids)[None])[0].detach().double()
        for place, at in enumerate(np.flatnonzero(example.is_target)):
            slot = place % 5
            book = range(272, 1296) if slot < 2 else range(1296, 5392)
            legal = [*book, *([END] if slot == 0 else [])]
            said = logits[at - 1, legal].log_softmax(-1)
            best = said.argsort(descending=True)[:8]
            assert answer.entries[place].tolist() == best.tolist()
            np.testing.assert_allclose(answer.log_probabilities[place], said[best], atol=1e-4)
            assert answer.tail[place] == pytest.approx(1 - said[best].exp().sum().item(), abs=1e-6)


def test_the_end_may_be_named_in_the_first_slot_alone() -> None:
    eager = build(SHAPE, seed=0)
    example = Teacher(eager, FACTS).example(row())
    with torch.no_grad():
        hidden = eager.hidden(torch.from_numpy(example.ids)[None])[0]
        eager.lm_head.weight.zero_()
        eager.lm_head.weight[END] = hidden[-2]
    (answer,) = Teacher(eager, FACTS, kept=Kept(1, 1.0)).score([example])
    assert answer.places == 11 and answer.entries[10].tolist() == [1024]
    assert all(answer.entries[place, 0] < 1024 for place in range(11) if place % 5 == 1)


def test_one_at_a_time_an_answer_does_not_hang_on_its_neighbours(model: SpeechModel) -> None:
    teacher = Teacher(model, FACTS, kept=ALL)
    rows = [teacher.example(row(number, 1 + number)) for number in range(3)]
    alone = [compress(teacher.score([one])[0]) for one in rows]
    again = [compress(teacher.score([one])[0]) for one in reversed(rows)][::-1]
    assert alone == again
    for one, other in zip(teacher.score(rows), map(decompress, alone), strict=True):
        assert (one.entries == other.entries).mean() > 0.95
        np.testing.assert_allclose(one.tail, other.tail, atol=1e-3)


def test_a_small_mass_keeps_fewer_entries(model: SpeechModel) -> None:
    sharp = build(SHAPE, seed=0)
    with torch.no_grad():
        sharp.lm_head.weight *= 30
    answers = []
    for mass in (1.0, 0.5):
        teacher = Teacher(sharp, FACTS, kept=Kept(32, mass))
        answers += teacher.score([teacher.example(row())])
    full, short = answers
    assert (short.entries >= 0).sum() < (full.entries >= 0).sum() / 2
    assert len(compress(short)) < len(compress(full)) / 2


def test_a_teacher_is_known_by_its_weights_and_by_what_is_kept(model: SpeechModel) -> None:
    same = build(SHAPE, seed=0)
    other = build(SHAPE, seed=0)
    with torch.no_grad():
        other.lm_head.weight[0, 0] += 1e-3
    assert weights_digest(same) == weights_digest(model) != weights_digest(other)
    marks = {
        Teacher(one, FACTS, kept=kept).fingerprint
        for one, kept in ((model, ALL), (other, ALL), (model, Kept(9, 1.0)), (model, Kept(8, 0.9)))
    }
    assert len(marks) == 4
    assert Teacher(same, FACTS, kept=ALL).fingerprint == Teacher(model, FACTS, kept=ALL).fingerprint


@pytest.mark.parametrize("dtype", [None, torch.bfloat16])
def test_weights_on_disk_have_the_digest_of_the_model_that_is_loaded(
    model: SpeechModel, tmp_path: Path, dtype: torch.dtype | None
) -> None:
    save_model(model, tmp_path / "model", {})
    loaded, _ = load_model(tmp_path / "model", dtype=dtype)
    assert stored_weights_digest(tmp_path / "model", dtype) == weights_digest(loaded)
    assert (weights_digest(loaded) == weights_digest(model)) == (dtype is None)


def test_a_teacher_is_opened_from_a_students_folder(model: SpeechModel, tmp_path: Path) -> None:
    save_model(model, tmp_path / "t", FACTS)
    opened = Teacher.open(tmp_path / "t", kept=ALL)
    assert opened.fingerprint == Teacher(model, FACTS, kept=ALL).fingerprint
    with pytest.raises(UsageError, match="is no student"):
        Teacher.open(tmp_path)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"codes": None}, r"utterance u1 has no codes, .* codec codec-1"),
        ({"codec_fingerprint": "codec-2"}, r"utterance u1 .* codec-2, .* codec-1"),
        ({"codec_fingerprint": None}, r"utterance u1 .* codec None, .* codec-1"),
        ({"codes": [0, 0, 1024]}, r"codes of the utterance u1 are not valid: at position 3"),
        ({"text": "long " * 60}, r"utterance u1 has \d+ ids, more than the 256"),
    ],
)
def test_a_row_that_cannot_be_asked_is_named(
    model: SpeechModel, changed: Mapping[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        Teacher(model, FACTS).example(row(**changed))


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({}, "does not say whose codes it speaks"),
        (FACTS | {"tokenizer_fingerprint": "words"}, "has learnt with another tokenizer"),
    ],
)
def test_a_model_that_cannot_teach_is_refused(
    model: SpeechModel, facts: Mapping[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        Teacher(model, facts)


@pytest.mark.parametrize("wrong", [{"k": 0}, {"k": 256}, {"mass": 0.0}, {"mass": 1.5}])
def test_what_cannot_be_kept_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="set"):
        replace(Kept(), **wrong)


def test_a_teacher_is_asked_as_its_student_is(model: SpeechModel, tmp_path: Path) -> None:
    folder = coded_export(tmp_path / "e", 6, valid=0)
    spoken = SpokenExamples(folder, ByteTokenizer(), COMPACT).read([0, 3])
    teacher = Teacher(model, FACTS)
    for one in spoken:
        asked = teacher.example(one.record)
        np.testing.assert_array_equal(asked.ids, one.example.ids)
        np.testing.assert_array_equal(asked.is_target, one.example.is_target)


def batch_of(examples: list[Example]) -> Batch:
    spoken = [SpokenExample(str(number), one, {}) for number, one in enumerate(examples)]
    return collate([(spoken, [one.ids for one in examples])], 256)


def test_on_policy_a_teacher_scores_what_its_student_just_said(model: SpeechModel) -> None:
    student = build(SHAPE, seed=1)
    prompts = [np.array([1, 4, 30, 31]), np.array([1, 4, 30])]
    said = generate(student, prompts, COMPACT, Sampling(max_codes=10), seeds=[1, 2])
    batch = batch_of(spoken_examples(prompts, said, COMPACT))
    rest = (batch.ids, batch.segments, batch.places)
    teacher_says = teacher_logits(model, *rest)
    assert teacher_says.shape == (len(batch.targets), COMPACT.size)
    how = LossSettings("reverse_kl", teacher_weight=1.0)
    hidden = student.hidden(batch.ids, batch.segments).flatten(0, 1)[batch.places]
    loss = distillation_loss(
        student.head(hidden), batch.targets, batch.slots, how, COMPACT, teacher_says
    )
    loss.mean.backward()
    assert loss.mean > 0 and student.lm_head.weight.grad.abs().sum() > 0
    itself = distillation_loss(teacher_says, batch.targets, batch.slots, how, COMPACT, teacher_says)
    assert itself.mean.item() == pytest.approx(0, abs=1e-6)


def test_cached_and_whole_answers_of_one_teacher_agree(model: SpeechModel) -> None:
    teacher = Teacher(model, FACTS, kept=Kept(255, 1.0))
    examples = [teacher.example(row(1, 3)), teacher.example(row(2, 1))]
    batch = batch_of(examples)
    cached = TeacherTop.of([decompress(compress(one)) for one in teacher.score(examples)])
    whole = teacher_logits(model, batch.ids, batch.segments, batch.places)
    student = torch.randn(whole.shape, generator=torch.Generator().manual_seed(0))
    how = LossSettings("forward_kl", teacher_weight=1.0)
    losses = [
        distillation_loss(student, batch.targets, batch.slots, how, COMPACT, said).mean.item()
        for said in (cached, whole)
    ]
    # Bucketing gives a lower bound; the teacher is untrained, and its tail holds most of the mass.
    assert 0 < losses[0] < losses[1]


def test_only_what_was_said_rightly_is_scored() -> None:
    codes = np.array([0, 1, 1024, 1025, 1026, 2, 3, 7, 1024, 1024], np.int32)
    faulty = Generated(codes, ended=True, fault="a stray code", tokens=11)
    cut_off = Generated(codes[:5], ended=False, fault=None, tokens=5)
    ended = Generated(codes[:5], ended=True, fault=None, tokens=6)
    prompt = np.array([1, 4])
    kept = [
        example.ids[2:].tolist()
        for example in spoken_examples([prompt] * 3, [faulty, cut_off, ended], COMPACT)
    ]
    group = [272, 273, 1296, 1297, 1298]
    assert kept == [group, group, [*group, END]]


def test_a_teacher_of_another_vocabulary_cannot_score_on_policy() -> None:
    with pytest.raises(UsageError, match="cannot score the student's ids"):
        check_same_ids(STEP_AUDIO, COMPACT)
    check_same_ids(COMPACT, COMPACT)
