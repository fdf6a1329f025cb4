"""Filling a corpus with a teacher's answers: nobody is asked twice, whatever happens in between."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
import torch
from coded_export import coded_export

from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError
from lauter.datasets.layout import COMPACT, Example
from lauter.datasets.shards import export_webdataset
from lauter.datasets.text_tokens import ByteTokenizer
from lauter.datasets.top_logits import TopLogits, decompress
from lauter.pipelines.teach import teach_corpus
from lauter.student.batches import BatchSettings, Packs, Position, collate
from lauter.student.cached_teacher import teacher_of
from lauter.student.distill import LossSettings, distillation_loss
from lauter.student.examples import SpokenExamples
from lauter.student.model import SpeechModel, build
from lauter.student.presets import ModelConfig
from lauter.student.teaching import Kept, Teacher

ROWS = 10
SHAPE = ModelConfig(COMPACT.size, COMPACT.text_size, 16, 1, 1, 16, 1, 16, 256)


def coded_corpus(folder: Path, codecs: Sequence[str | None] = ("codec-1",)) -> Corpus:
    coded_export(folder / "e", ROWS, codecs=codecs, valid=0)
    return Corpus.open(folder / "e-corpus")


class CountingTeacher(Teacher):
    """Counts whom it was asked about; fails when it is asked about ``fails_at``."""

    fails_at: int | None = None

    def score(self, examples: Sequence[Example]) -> list[TopLogits]:
        self.asked = getattr(self, "asked", 0)
        if self.asked == self.fails_at:
            raise RuntimeError("the teacher is tired")
        self.asked += len(examples)
        return super().score(examples)


def teacher(seed: int = 0, kept: Kept | None = None) -> CountingTeacher:
    facts = {"codec_fingerprint": "codec-1"}
    return CountingTeacher(build(SHAPE, seed=seed), facts, kept=kept or Kept(4, 1.0), name="T")


def answers(corpus: Corpus) -> dict[str, tuple[bytes | None, str | None]]:
    columns = ["request_id", "top_logits", "top_logits_fingerprint"]
    rows = [row for batch in corpus.scan(columns) for row in batch.to_pylist()]
    return {row["request_id"]: (row["top_logits"], row["top_logits_fingerprint"]) for row in rows}


def teach(corpus: Corpus, asked: CountingTeacher, **settings: int) -> int:
    with corpus.writing() as writer:
        return teach_corpus(corpus, writer, asked, **settings)


def test_every_row_gets_its_answer_and_is_asked_once(tmp_path: Path) -> None:
    corpus, asked = coded_corpus(tmp_path), teacher()
    told: list[pa.RecordBatch] = []
    with corpus.writing() as writer:
        assert teach_corpus(corpus, writer, asked, batch_size=4, on_batch=told.append) == ROWS
    assert sum(batch.num_rows for batch in told) == asked.asked == ROWS
    assert teach(corpus, asked) == 0 and asked.asked == ROWS
    codes = [row for batch in corpus.scan(["request_id", "codes"]) for row in batch.to_pylist()]
    kept = answers(corpus)
    for row in codes:
        said, mark = kept[row["request_id"]]
        assert mark == asked.fingerprint
        assert said is not None and decompress(said).places == len(row["codes"]) + 1


def test_another_teacher_is_asked_anew_and_its_answers_replace_the_first(tmp_path: Path) -> None:
    corpus = coded_corpus(tmp_path)
    teach(corpus, teacher(0))
    first = answers(corpus)
    for other in (teacher(1), teacher(1, Kept(2, 1.0))):
        assert teach(corpus, other) == ROWS
        assert {mark for _, mark in answers(corpus).values()} == {other.fingerprint}
    assert all(answers(corpus)[name] != said for name, said in first.items())


def test_a_teacher_that_fails_midway_has_not_answered_in_vain(tmp_path: Path) -> None:
    corpus, tired = coded_corpus(tmp_path), teacher()
    tired.fails_at = 4
    with pytest.raises(RuntimeError, match="tired"):
        teach(corpus, tired)
    assert corpus.count("top_logits IS NOT NULL") == 4
    rested = teacher()
    assert teach(corpus, rested) == rested.asked == ROWS - 4
    whole = coded_corpus(tmp_path / "whole")
    teach(whole, teacher())
    assert answers(corpus) == answers(whole)


KILLED = """
import os, signal, sys
from lauter.datasets.corpus import Corpus
from lauter.pipelines.teach import teach_corpus
from lauter.student.teaching import Kept, Teacher
from lauter.student.model import build
from lauter.student.presets import ModelConfig

seen = 0
def stop(batch):
    global seen
    seen += batch.num_rows
    if seen == 5:
        os.kill(os.getpid(), signal.SIGKILL)

shape = ModelConfig(5440, 272, 16, 1, 1, 16, 1, 16, 256)
teacher = Teacher(build(shape, seed=0), {"codec_fingerprint": "codec-1"}, kept=Kept(4, 1.0))
corpus = Corpus.open(sys.argv[1])
with corpus.writing() as writer:
    teach_corpus(corpus, writer, teacher, rows_per_commit=2, on_batch=stop)
"""


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on_and_asks_nothing_twice(tmp_path: Path) -> None:
    corpus = coded_corpus(tmp_path)
    environment = os.environ | {"PYTHONSAFEPATH": "1"}
    ended = subprocess.run([sys.executable, "-c", KILLED, str(corpus.path)], env=environment)
    assert ended.returncode == -signal.SIGKILL
    corpus = Corpus.open(corpus.path)
    # Five were answered, and two commits of two rows were through.
    assert corpus.count("top_logits IS NOT NULL") == 4
    before = answers(corpus)
    again = teacher()
    assert teach(corpus, again) == again.asked == ROWS - 4
    after = answers(corpus)
    assert all(after[name] == said for name, said in before.items() if said[0] is not None)
    assert {mark for _, mark in after.values()} == {again.fingerprint}


@pytest.mark.parametrize(
    ("codecs", "said"),
    [
        (["codec-2"], r"utterance \w+ are of the codec codec-2, and T speaks those of codec-1"),
        (["codec-1", None], r"of the codec None, and T speaks those of codec-1"),
        ((), r"has no codes, and T speaks those of the codec codec-1; run `lauter codec encode`"),
    ],
)
def test_a_row_of_another_codec_is_refused_before_anything_is_asked(
    codecs: Sequence[str | None], said: str, tmp_path: Path
) -> None:
    corpus, asked = coded_corpus(tmp_path, codecs), teacher()
    with pytest.raises(UsageError, match=said):
        teach(corpus, asked)
    assert not hasattr(asked, "asked")


def test_answers_reach_a_students_batch_through_an_export(tmp_path: Path) -> None:
    corpus, asked = coded_corpus(tmp_path), teacher()
    teach(corpus, asked)
    export_webdataset(Corpus.open(corpus.path), tmp_path / "taught")
    columns = ("top_logits", "top_logits_fingerprint")
    examples = SpokenExamples(tmp_path / "taught", ByteTokenizer(), COMPACT, extra_columns=columns)
    packs = Packs(examples, COMPACT, BatchSettings(), SHAPE.context)
    (batch, *_) = next(packs.steps(Position())).batches
    top = teacher_of(batch, torch.device("cpu"))
    assert len(top.entries) == len(batch.targets)
    how = LossSettings("forward_kl", teacher_weight=1.0)

    def distance(student: SpeechModel) -> float:
        hidden = student.hidden(batch.ids, batch.segments).flatten(0, 1)[batch.places]
        logits = student.head(hidden)
        loss = distillation_loss(logits, batch.targets, batch.slots, how, COMPACT, top)
        return loss.mean.item()

    # The teacher, taken for its own student, is as far from its answers as these were rounded.
    assert abs(distance(asked.model)) < 1e-3 < distance(build(SHAPE, seed=5))


def test_a_batch_without_answers_or_with_those_of_other_codes_is_refused(tmp_path: Path) -> None:
    corpus, asked = coded_corpus(tmp_path), teacher()
    teach(corpus, asked)
    export_webdataset(Corpus.open(corpus.path), tmp_path / "taught")
    columns = ("top_logits",)
    examples = SpokenExamples(tmp_path / "taught", ByteTokenizer(), COMPACT, extra_columns=columns)
    (one, *_) = examples.read([0])
    for changed, said in (
        ({"top_logits": None}, "has no cached logits; run `lauter teach`"),
        ({"codes": one.record["codes"][:-5]}, r"are for \d+ places, and its codes have"),
    ):
        record = dict(one.record) | changed
        batch = collate([([replace(one, record=record)], [one.example.ids])], 256)
        with pytest.raises(UsageError, match=said):
            teacher_of(batch, torch.device("cpu"))
