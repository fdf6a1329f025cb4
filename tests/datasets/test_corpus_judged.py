"""Each utterance meets its own verdict, in whatever order the verdicts lie."""

from pathlib import Path

import pyarrow as pa
import pytest
from canned_utterances import ids, utterances
from canned_verdicts import verdicts
from hypothesis import given
from hypothesis import strategies as st

from lauter.datasets.corpus import Corpus
from lauter.datasets.corpus_judged import Judgements


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    """Rows 0–59 in fragments of 7; 0–19 accepted, 20–39 rejected, 40–49 came later, 50–59 gone."""
    made = Corpus.create(tmp_path / "corpus")
    with made.writing(rows_per_commit=7) as writer:
        for start in range(0, 60, 7):
            writer.append(utterances(range(start, min(start + 7, 60))))
        judged = [
            verdicts(range(30, 40), False, ("cer", "mos")),
            verdicts(range(50, 60), True),
            verdicts(range(19, -1, -1), True),
            verdicts(range(20, 30), False),
        ]
        writer.put_verdicts("strict", "p1", "", pa.concat_tables(judged))
        writer.remove(ids(range(50, 60)))
    return made


@pytest.mark.parametrize("batch_size", [1, 4, 1000])
def test_all_rows_come_in_order_with_their_verdicts(corpus: Corpus, batch_size: int) -> None:
    batches = list(corpus.scan_judged(["request_id", "audio"], batch_size=batch_size))
    assert max(batch.num_rows for batch in batches) <= batch_size
    rows = pa.Table.from_batches(batches)
    assert rows.schema.names == ["request_id", "audio", "accepted", "failed_gates"]
    assert rows["request_id"].to_pylist() == ids(range(50))
    assert rows["accepted"].to_pylist() == [True] * 20 + [False] * 20 + [None] * 10
    gates = [failed and [gate["gate"] for gate in failed]
             for failed in rows["failed_gates"].to_pylist()]  # fmt: skip
    assert gates == [[]] * 20 + [["cer"]] * 10 + [["cer", "mos"]] * 10 + [None] * 10


@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_accepted_and_rejected_rows_are_picked_with_their_audio(
    corpus: Corpus, batch_size: int
) -> None:
    for accepted, numbers in ((True, range(20)), (False, range(20, 40))):
        picked = corpus.scan_judged(["audio", "text"], accepted=accepted, batch_size=batch_size)
        rows = pa.Table.from_batches(picked)
        expected = pa.Table.from_batches([utterances(numbers)]).select(["audio", "text"])
        assert rows["text"].to_pylist() == expected["text"].to_pylist()
        assert rows["audio"].to_pylist() == expected["audio"].to_pylist()
        assert rows["accepted"].to_pylist() == [accepted] * 20


def test_a_policy_that_accepts_nothing_yields_nothing(corpus: Corpus) -> None:
    with corpus.writing() as writer:
        writer.put_verdicts("none", "p2", "", verdicts(range(50), False))
    assert list(corpus.scan_judged(["text"], accepted=True)) == []
    assert sum(batch.num_rows for batch in corpus.scan_judged(["text"], policy="p1")) == 50


@given(
    st.lists(st.tuples(st.integers(0, 200), st.booleans()), unique_by=lambda row: row[0]),
    st.lists(st.integers(0, 200), unique=True),
)
def test_the_join_is_a_look_up_by_id(judged: list[tuple[int, bool]], uttered: list[int]) -> None:
    table = pa.concat_tables(
        [verdicts([], True)]
        + [
            pa.table([[str(number)], ["p1"], [accepted], [[]]], schema=verdicts([], True).schema)
            for number, accepted in judged
        ]
    )
    numbers = pa.array([str(number) for number in uttered], pa.string())
    judgements = Judgements(numbers, table)
    batches = pa.table({"request_id": numbers}).to_batches(max_chunksize=7)
    found = [row["accepted"] for batch in judgements.join(batches) for row in batch.to_pylist()]
    known = dict(judged)
    assert found == [known.get(number) for number in uttered]
    for accepted in (True, False):
        rows = [row for row, number in enumerate(uttered) if known.get(number) is accepted]
        assert judgements.rows(accepted).tolist() == rows
