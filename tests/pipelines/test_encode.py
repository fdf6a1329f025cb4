"""Encoding a corpus: what is done is kept, and what was said of older codes goes with them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from coded_export import coded_export, codes_of
from unfit_rows import add_unfit_rows

from lauter.datasets.audio import Samples
from lauter.datasets.codes import Codes, check_codes
from lauter.datasets.corpus import Corpus
from lauter.datasets.layout import COMPACT
from lauter.datasets.records import VERDICT_SCHEMA
from lauter.datasets.selection import select
from lauter.pipelines.encode import Encoded, encode_corpus
from lauter.pipelines.teach import teach_corpus
from lauter.student.model import build
from lauter.student.presets import ModelConfig
from lauter.student.teaching import Kept, Teacher

ROWS = 40
SHORTEST = 1920
"""Samples of the first clip, 120 ms; each one after it has one more."""


class SmallCodec:
    """One group for each clip, and none after ``clips`` of them."""

    fingerprint = "codec-2"

    def __init__(self, clips: int = ROWS, cannot: Callable[[int], bool] = lambda n: False) -> None:
        self._left = clips
        self._cannot = cannot
        """Tells of a clip's number of samples whether the codec fails at it."""

    def encode(self, clips: list[Samples], sample_rates: list[int]) -> list[Codes]:
        if any(self._cannot(len(clip) - SHORTEST) for clip in clips):
            raise RuntimeError("the codec is out of order")
        self._left -= len(clips)
        if self._left < 0:
            raise KeyboardInterrupt
        return [check_codes(codes_of(len(clip), 1), "one") for clip in clips]


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    coded_export(tmp_path / "e", ROWS, teachers=("teacher-1",), valid=0, least_samples=SHORTEST)
    return Corpus.open(tmp_path / "e-corpus")


def encoded(corpus: Corpus, codec: SmallCodec) -> Encoded:
    with corpus.writing() as writer:
        return encode_corpus(
            corpus, writer, codec, on_start=lambda pending: None, on_batch=lambda batch: None
        )


def rows_of(corpus: Corpus) -> list[dict[str, Any]]:
    columns = ["audio", "codes", "codec_fingerprint", "top_logits", "top_logits_fingerprint"]
    return [row for batch in Corpus.open(corpus.path).scan(columns) for row in batch.to_pylist()]


def test_an_interrupted_encoding_keeps_what_it_has(corpus: Corpus) -> None:
    with pytest.raises(KeyboardInterrupt):
        encoded(corpus, SmallCodec(clips=32))

    assert sum(row["codec_fingerprint"] == "codec-2" for row in rows_of(corpus)) == 32
    assert encoded(Corpus.open(corpus.path), SmallCodec()) == Encoded(ROWS - 32)


def test_new_codes_leave_no_answers_to_the_old_ones(corpus: Corpus) -> None:
    with pytest.raises(KeyboardInterrupt):
        encoded(corpus, SmallCodec(clips=32))

    for row in rows_of(corpus):
        is_new = row["codec_fingerprint"] == "codec-2"
        assert (row["top_logits"] is None) == is_new
        assert (row["top_logits_fingerprint"] is None) == is_new


def test_a_clip_that_the_codec_fails_at_takes_no_other_along_and_is_tried_again(
    corpus: Corpus,
) -> None:
    found = encoded(corpus, SmallCodec(cannot=lambda number: number == 5))

    assert (found.rows, found.unfit) == (ROWS - 1, {})
    assert list(found.failed.values()) == ["RuntimeError: the codec is out of order"]
    assert encoded(Corpus.open(corpus.path), SmallCodec()) == Encoded(1)


def test_a_codec_that_fails_at_every_clip_stops_the_run(corpus: Corpus) -> None:
    with pytest.raises(RuntimeError, match="out of order"):
        encoded(corpus, SmallCodec(cannot=lambda number: number >= 32))

    assert encoded(Corpus.open(corpus.path), SmallCodec()) == Encoded(ROWS - 32)


def test_what_has_nothing_to_encode_is_in_no_export_and_no_teacher_is_asked(
    corpus: Corpus,
) -> None:
    unfit = add_unfit_rows(corpus)
    shape = ModelConfig(COMPACT.size, COMPACT.text_size, 16, 1, 1, 16, 1, 16, 256)
    model = build(shape, seed=0)
    teacher = Teacher(model, {"codec_fingerprint": "codec-2"}, name="T", kept=Kept(4, 1.0))

    assert encoded(corpus, SmallCodec()).unfit.keys() == unfit.keys()

    found = Corpus.open(corpus.path)
    assert found.count("codec_error IS NOT NULL AND codes IS NULL") == len(unfit)
    with found.writing() as writer:
        ids = [name for batch in found.scan(["request_id"]) for name in batch["request_id"]]
        verdicts = [
            {"request_id": name.as_py(), "policy": "p2", "accepted": True, "failed_gates": []}
            for name in ids
        ]
        table = pa.Table.from_pylist(verdicts, schema=VERDICT_SCHEMA)
        writer.put_verdicts("lenient", "p2", "gates: []\n", table)
        assert teach_corpus(found, writer, teacher) == ROWS
    assert select(found).splits == {"train": ROWS}
