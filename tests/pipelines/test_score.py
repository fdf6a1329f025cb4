"""Scoring: what a scorer does wrong is one row's affair, unless it does everything wrong."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import pyarrow as pa
import pytest
from canned_utterances import utterances

from lauter.datasets.errors import LauterError
from lauter.datasets.records import described
from lauter.filters.protocol import Sample
from lauter.pipelines.first_rows import FIRST_ROWS, checked
from lauter.pipelines.score import Score

Figures = Mapping[str, Any] | Exception


class TextScorer:
    """Gives what a function of the text gives."""

    name = "text"
    fields: ClassVar[Sequence[pa.Field]] = (described("figure", pa.float64(), "Whatever it is"),)

    def __init__(self, figures_of: Callable[[str], Figures], lacking: int = 0) -> None:
        self._figures_of = figures_of
        self._lacking = lacking

    def fingerprint(self) -> str:
        return "text-1"

    def score(self, samples: Sequence[Sample]) -> Sequence[Figures]:
        answers = [self._figures_of(sample.request.prompt.text) for sample in samples]
        return answers[: len(answers) - self._lacking]


def scored(figures_of: Callable[[str], Figures], lacking: int = 0) -> list[dict[str, Any]]:
    stage = Score((partial(TextScorer, figures_of, lacking),))
    return [dict(row) for row in stage.open()(utterances(range(4))).to_pylist()]


TEXTS = utterances(range(4))["text"].to_pylist()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"figure": "seven"}, "TypeError: its figure is 'seven', which is no double"),
        ({"figger": 1.0}, "ValueError: it gave figger, which it does not declare"),
        (KeyError("gone"), "KeyError: 'gone'"),
    ],
)
def test_a_wrong_answer_is_an_error_of_its_row_alone(wrong: Figures, sentence: str) -> None:
    rows = scored(lambda text: wrong if text == TEXTS[2] else {"figure": 1.0})
    assert [row["figure"] for row in rows] == [1.0, 1.0, None, 1.0]
    assert rows[2]["score_errors"] == [{"scorer": "text", "error": sentence}]
    assert not any(row["score_errors"] for row in rows if row["text"] != TEXTS[2])


def test_too_few_answers_are_an_error_of_each_row() -> None:
    rows = scored(lambda text: {"figure": 1.0}, lacking=1)
    assert [row["figure"] for row in rows] == [None] * 4
    assert "it gave 0 answers to 1 utterances" in rows[0]["score_errors"][0]["error"]


def batches(failing: Callable[[int], bool], count: int = 40) -> list[pa.RecordBatch]:
    wrong = [{"scorer": "text", "error": "ValueError: no"}]
    kind = pa.list_(pa.struct({"scorer": pa.string(), "error": pa.string()}))
    found = [wrong if failing(number) else [] for number in range(count)]
    table = pa.table({"number": range(count), "score_errors": pa.array(found, kind)})
    return list(table.to_batches(max_chunksize=3))


def test_a_scorer_that_fails_on_everything_ends_the_run_before_a_row_is_kept() -> None:
    run = checked(iter(batches(lambda number: True)))
    with pytest.raises(LauterError, match=r"the scorer 'text' failed on each of the first \d+ utt"):
        next(run)


@pytest.mark.parametrize("count", [1, 5, 40])
def test_otherwise_all_batches_come_in_their_order(count: int) -> None:
    def failing(number: int) -> bool:
        return number % FIRST_ROWS == 0 or number > FIRST_ROWS + 3

    rows = pa.Table.from_batches(checked(iter(batches(failing, count))))
    assert rows["number"].to_pylist() == list(range(count))
