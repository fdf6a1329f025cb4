"""A corpus in figures: what most of the failed rows say."""

from collections.abc import Iterator

import pyarrow as pa
import pytest
from rich.console import Console

from lauter.orchestration.tables import print_summary
from lauter.pipelines import summary as summary_module
from lauter.pipelines.cost import Prices
from lauter.pipelines.summary import SUMMARY_COLUMNS, summarise_batches


def failed(sentences: list[str], batch_size: int = 50) -> Iterator[pa.RecordBatch]:
    rows = [
        dict.fromkeys([*SUMMARY_COLUMNS, "accepted", "failed_gates"])
        | {"request_id": str(number), "language": "en", "dialect": "en-US", "emotion": "neutral"}
        | {"error_kind": "failed", "error": sentence}
        for number, sentence in enumerate(sentences)
    ]
    for start in range(0, len(rows), batch_size):
        yield pa.RecordBatch.from_pylist(rows[start : start + batch_size])


def test_the_commonest_failures_are_shown_with_how_often_not_the_first() -> None:
    rare = [f"the file {number} is damaged" for number in range(5)]
    summary = summarise_batches(failed([*rare, *["the server is gone"] * 40, *["too long"] * 7]))
    assert list(summary.common_errors.items())[:2] == [("the server is gone", 40), ("too long", 7)]
    assert len(summary.common_errors) == 3
    console = Console(record=True, width=200)
    print_summary(console, summary, Prices())
    told = console.export_text()
    assert "40 of the 52 that failed: the server is gone" in told
    assert "7 of the 52 that failed: too long" in told


def test_of_very_many_sentences_the_common_ones_are_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(summary_module, "_MOST_SENTENCES", 20)
    sentences = [
        "the server is gone" if number % 10 == 0 else f"the file {number} is damaged"
        for number in range(1000)
    ]
    summary = summarise_batches(failed(sentences))
    assert next(iter(summary.common_errors.items())) == ("the server is gone", 100)
