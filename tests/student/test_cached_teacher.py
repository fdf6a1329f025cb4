"""A batch's teacher is read out of the column, place by place, and missing ones are named."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from coded_export import coded_export, logits_of

from lauter.datasets.errors import UsageError
from lauter.datasets.layout import COMPACT
from lauter.datasets.text_tokens import ByteTokenizer
from lauter.student.batches import Batch, BatchSettings, Packs
from lauter.student.cached_teacher import TEACHER_COLUMN, teacher_of
from lauter.student.distill import LossSettings, distillation_loss
from lauter.student.examples import SpokenExamples

CPU = torch.device("cpu")
KL = LossSettings("forward_kl", teacher_weight=1.0)


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> Packs:
    folder = coded_export(tmp_path_factory.mktemp("teacher") / "data", 12)
    examples = SpokenExamples(folder, ByteTokenizer(), COMPACT)
    return Packs(examples, COMPACT, BatchSettings(), 512)


def taught(batch: Batch, sure: float) -> Batch:
    records = tuple({**one, TEACHER_COLUMN: logits_of(one["codes"], sure)} for one in batch.records)
    return replace(batch, records=records)


def test_a_sure_teachers_divergence_is_the_cross_entropy(packs: Packs) -> None:
    batch = packs.batch([(0, pack) for pack in packs.epoch(0)])
    logits = torch.randn((len(batch.places), COMPACT.size), generator=torch.manual_seed(0))
    rest = (logits, batch.targets, batch.slots)
    teacher = teacher_of(taught(batch, 1.0), CPU)
    expected = distillation_loss(*rest, LossSettings(), COMPACT).mean
    assert distillation_loss(*rest, KL, COMPACT, teacher).mean == pytest.approx(
        expected.item(), rel=1e-4
    )


def test_an_empty_batch_has_a_teacher_of_no_places(packs: Packs) -> None:
    batch = packs.batch([])
    logits = torch.zeros((0, COMPACT.size), requires_grad=True)
    loss = distillation_loss(
        logits, batch.targets, batch.slots, KL, COMPACT, teacher_of(batch, CPU)
    )
    loss.total.backward()
    assert loss.total.item() == 0 and loss.count.item() == 0


@pytest.mark.parametrize(
    ("teachers", "told"),
    [
        (("t1", "t2"), "cached logits of the export .* are of two teachers: .* has t[12], .* has"),
        (("t1", None), r"has no cached logits; run `lauter teach` on the corpus with one teacher"),
        ((), "has no column top_logits, which the loss needs"),
    ],
)
def test_logits_of_two_teachers_or_of_some_samples_alone_are_refused(
    tmp_path: Path, teachers: tuple[str | None, ...], told: str
) -> None:
    folder = coded_export(tmp_path / "data", 6, teachers=teachers)
    with pytest.raises(UsageError, match=told):
        SpokenExamples(folder, ByteTokenizer(), COMPACT, extra_columns=[TEACHER_COLUMN])
    assert SpokenExamples(folder, ByteTokenizer(), COMPACT).teacher_fingerprint is None


def test_whose_the_logits_are_is_known(tmp_path: Path) -> None:
    folder = coded_export(tmp_path / "data", 6, teachers=("t1",))
    examples = SpokenExamples(folder, ByteTokenizer(), COMPACT, extra_columns=[TEACHER_COLUMN])
    assert examples.teacher_fingerprint == "t1"


def test_a_sample_without_a_teacher_or_with_anothers_is_named(packs: Packs) -> None:
    batch = taught(packs.batch([(0, pack) for pack in packs.epoch(0)]), 0.5)
    first, second = batch.records[:2]
    nothing = replace(batch, records=({**first, TEACHER_COLUMN: None}, *batch.records[1:]))
    with pytest.raises(UsageError, match=f"{batch.request_ids[0]} has no cached logits"):
        teacher_of(nothing, CPU)
    longer = {**first, "codes": [*first["codes"], *second["codes"]]}
    with pytest.raises(UsageError, match=f"logits of {batch.request_ids[0]} are for"):
        teacher_of(replace(batch, records=(longer, *batch.records[1:])), CPU)
