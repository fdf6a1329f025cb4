"""Encoding a corpus: what is done is kept, and what was said of older codes goes with them."""

from pathlib import Path
from typing import Any

import pytest
from coded_export import coded_export, codes_of

from lauter.datasets.audio import Samples
from lauter.datasets.codes import Codes, check_codes
from lauter.datasets.corpus import Corpus
from lauter.pipelines.encode import encode_corpus

ROWS = 40


class SmallCodec:
    """One group for each clip, and none after ``clips`` of them."""

    fingerprint = "codec-2"

    def __init__(self, clips: int = ROWS) -> None:
        self._left = clips

    def encode(self, clips: list[Samples], sample_rates: list[int]) -> list[Codes]:
        self._left -= len(clips)
        if self._left < 0:
            raise KeyboardInterrupt
        return [check_codes(codes_of(len(clip), 1), "one") for clip in clips]


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    coded_export(tmp_path / "e", ROWS, teachers=("teacher-1",), valid=0)
    return Corpus.open(tmp_path / "e-corpus")


def encoded(corpus: Corpus, codec: SmallCodec) -> int:
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
    assert encoded(Corpus.open(corpus.path), SmallCodec()) == ROWS - 32


def test_new_codes_leave_no_answers_to_the_old_ones(corpus: Corpus) -> None:
    with pytest.raises(KeyboardInterrupt):
        encoded(corpus, SmallCodec(clips=32))

    for row in rows_of(corpus):
        is_new = row["codec_fingerprint"] == "codec-2"
        assert (row["top_logits"] is None) == is_new
        assert (row["top_logits_fingerprint"] is None) == is_new
