"""Two corpora have one digest just when they hold the same speech, judged alike."""

import pyarrow as pa
import pytest
from canned_utterances import utterances
from canned_verdicts import verdicts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lauter.datasets.corpus import Corpus
from lauter.datasets.corpus_digest import corpus_digest, gate_names

SPOKEN = pa.Table.from_batches([utterances(range(30))])
JUDGED = pa.concat_tables([verdicts(range(20), True), verdicts(range(20, 30), False, ("b", "a"))])


@settings(deadline=None, max_examples=10, suppress_health_check=list(HealthCheck))
@given(st.permutations(range(30)), st.permutations(range(30)), st.integers(1, 30))
def test_the_digest_knows_neither_order_nor_batches(
    tmp_path_factory: pytest.TempPathFactory,
    spoken_order: list[int],
    judged_order: list[int],
    size: int,
) -> None:
    corpus = Corpus.create(tmp_path_factory.mktemp("shuffled") / "corpus")
    with corpus.writing(rows_per_commit=size) as writer:
        for batch in SPOKEN.take(pa.array(spoken_order)).to_batches(max_chunksize=size):
            writer.append(batch)
        writer.put_verdicts("strict", "p1", "", JUDGED.take(pa.array(judged_order)))
    assert corpus.digest() == corpus_digest(SPOKEN, JUDGED)


def test_the_digest_is_a_format() -> None:
    assert corpus_digest(SPOKEN, None) == "2f8a7858db7198345f9acb33abfabbbf"
    assert corpus_digest(SPOKEN, JUDGED) == "1b317fecdf5a8a2bcdaf8e21fe97ddcc"


def test_what_was_decided_changes_the_digest() -> None:
    other_audio = SPOKEN.set_column(
        SPOKEN.schema.get_field_index("audio_digest"),
        "audio_digest",
        pa.chunked_array([["f" * 32, *SPOKEN["audio_digest"].to_pylist()[1:]]], pa.string()),
    )
    other_gates = pa.concat_tables(
        [verdicts(range(20), True), verdicts(range(20, 30), False, ("a",))]
    )
    digests = {
        corpus_digest(SPOKEN, None),
        corpus_digest(SPOKEN.slice(1), None),
        corpus_digest(other_audio, None),
        corpus_digest(SPOKEN, JUDGED),
        corpus_digest(SPOKEN, JUDGED.slice(1)),
        corpus_digest(SPOKEN, other_gates),
        corpus_digest(SPOKEN, verdicts(range(30), True)),
    }
    assert len(digests) == 7


def test_figures_times_and_the_order_of_gates_do_not_change_the_digest() -> None:
    slower = SPOKEN.set_column(
        SPOKEN.schema.get_field_index("wall_s"), "wall_s", pa.array([9.0] * 30)
    )
    turned = pa.concat_tables(
        [verdicts(range(20), True), verdicts(range(20, 30), False, ("a", "b"))]
    )
    assert corpus_digest(slower, turned) == corpus_digest(SPOKEN, JUDGED)


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=4), max_size=9), st.integers(1, 9))
def test_gate_names_are_sorted_and_joined_row_by_row(rows: list[list[str]], size: int) -> None:
    kind = JUDGED.schema.field("failed_gates").type
    lists = pa.array([[{"gate": gate} for gate in row] for row in rows], kind)
    chunks = [lists.slice(start, size) for start in range(0, len(lists), size)]
    joined = gate_names(pa.chunked_array(chunks, kind)).to_pylist()
    assert joined == [",".join(sorted(row)) for row in rows]
