"""What is written comes back: rows, scores and columns in any order, and nothing besides."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from canned_utterances import ids, utterances
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import LauterError
from lauter.datasets.records import REQUEST_SCHEMA, SCORING_FIELDS, described
from lauter.datasets.voices import VOICE_SCHEMA

CER = described("cer", pa.float64(), "Character error rate")


@pytest.fixture
def corpus(tmp_path: Path) -> Iterator[Corpus]:
    """100 rows in 10 fragments."""
    made = Corpus.create(tmp_path / "corpus")
    with made.writing(rows_per_commit=10) as writer:
        for start in range(0, 100, 10):
            writer.append(utterances(range(start, start + 10)))
    yield made


def scores(numbers: range, figure: float | None, field: pa.Field = CER) -> pa.Table:
    figures = pa.array([figure] * len(numbers), field.type)
    schema = pa.schema([REQUEST_SCHEMA.field("request_id"), field])
    return pa.table([pa.array(ids(numbers)), figures], schema=schema)


def files_of(corpus: Corpus) -> dict[Path, bytes]:
    folder = corpus.path / "utterances.lance" / "data"
    return {file: file.read_bytes() for file in folder.iterdir()}


def test_rows_are_committed_by_count(corpus: Corpus) -> None:
    with corpus.writing(rows_per_commit=10) as writer:
        writer.append(utterances(range(100, 109)))
        assert Corpus.open(corpus.path).count() == 100
        writer.append(utterances(range(109, 110)))
        assert Corpus.open(corpus.path).count() == 110


def test_rows_are_committed_by_bytes_so_that_memory_is_bounded(corpus: Corpus) -> None:
    with corpus.writing(bytes_per_commit=100_000) as writer:
        writer.append(utterances(range(100, 101), audio_bytes=60_000))
        assert Corpus.open(corpus.path).count() == 100
        writer.append(utterances(range(101, 102), audio_bytes=60_000))
        assert Corpus.open(corpus.path).count() == 102


def test_rows_are_committed_by_seconds(corpus: Corpus) -> None:
    with corpus.writing(seconds_per_commit=0.0) as writer:
        writer.append(utterances(range(100, 101)))
        assert Corpus.open(corpus.path).count() == 101


def test_an_interrupted_writer_keeps_what_it_was_given(corpus: Corpus) -> None:
    with pytest.raises(KeyboardInterrupt), corpus.writing() as writer:
        writer.append(utterances(range(100, 103)))
        raise KeyboardInterrupt
    assert corpus.count() == Corpus.open(corpus.path).count() == 103


def test_scores_are_added_and_renewed_without_touching_the_audio(corpus: Corpus) -> None:
    with corpus.writing() as writer:
        writer.append(utterances(range(100, 120), audio_bytes=100_000))
    before = files_of(corpus)
    with corpus.writing() as writer:
        writer.put_scores(scores(range(50), 0.5))
        writer.put_scores(scores(range(10), 0.25))
        writer.put_scores(scores(range(40, 50), None))
        writer.put_scores(scores(range(100, 120), 1.0))
    after = files_of(corpus)
    assert all(after[file] == content for file, content in before.items())
    added = sum(len(content) for file, content in after.items() if file not in before)
    assert 0 < added < 100_000
    assert corpus.count("cer = 0.25") == 10
    assert corpus.count("cer = 0.5") == 30
    assert corpus.count("cer = 1.0") == 20
    assert corpus.count("cer IS NULL") == 60
    assert corpus.schema.field("cer").metadata[b"description"] == b"Character error rate"


def test_scores_find_their_rows_in_any_order(corpus: Corpus) -> None:
    order = [(number * 37) % 100 for number in range(100)]
    with corpus.writing() as writer:
        writer.remove(ids(range(20, 30)))
        kept = [number for number in order if not 20 <= number < 30]
        figures = pa.array([float(number) for number in kept])
        known = ids(range(100))
        writer.put_scores(pa.table({"request_id": [known[n] for n in kept], "cer": figures}))
    rows = corpus.take(ids(range(20)) + ids(range(30, 100)), ["cer"])
    assert rows["cer"].to_pylist() == [float(n) for n in range(100) if not 20 <= n < 30]


def test_lists_and_structs_are_scores_too(corpus: Corpus) -> None:
    field = next(field for field in SCORING_FIELDS if field.name == "score_errors")
    errors = [[{"scorer": "mos", "error": "no model"}], []]
    table = pa.table([pa.array(ids(range(5, 7))), pa.array(errors, field.type)],
                     schema=pa.schema([REQUEST_SCHEMA.field("request_id"), field]))  # fmt: skip
    with corpus.writing() as writer:
        writer.put_scores(table)
    rows = corpus.take(ids(range(4, 7)), ["score_errors"])["score_errors"].to_pylist()
    assert rows == [None, *errors]


def test_scores_that_fit_no_row_or_two_are_refused(corpus: Corpus) -> None:
    twice = pa.concat_tables([scores(range(3), 1.0), scores(range(1), 2.0)])
    spoken = pa.table({"request_id": ids(range(1)), "text": ["something else"]})
    with corpus.writing() as writer:
        with pytest.raises(LauterError, match=r"no request .* to be scored"):
            writer.put_scores(scores(range(100, 101), 1.0))
        with pytest.raises(LauterError, match="name a request twice"):
            writer.put_scores(twice)
        with pytest.raises(LauterError, match="text says what was spoken and is no score"):
            writer.put_scores(spoken)
    assert corpus.count("cer IS NOT NULL") == 0


def test_rows_with_new_columns_and_rows_without_them_live_together(corpus: Corpus) -> None:
    mos = described("mos", pa.float64(), "Opinion")
    with corpus.writing() as writer:
        writer.append(utterances(range(100, 105)))
        writer.append(utterances(range(105, 110)).append_column(mos, pa.array([4.0] * 5)))
        writer.append(utterances(range(110, 115)))
    assert corpus.count("mos = 4.0") == 5
    assert corpus.count("mos IS NULL") == 110
    assert corpus.schema.field("mos").metadata[b"description"] == b"Opinion"


def test_a_batch_that_does_not_fit_takes_no_other_along(corpus: Corpus) -> None:
    good = utterances(range(100, 105))
    wrong_type = utterances(range(105, 106)).append_column("cer", pa.array(["low"]))
    without_text = utterances(range(106, 107)).drop_columns(["text"])
    with corpus.writing() as writer:
        writer.append(good.append_column(CER, pa.array([0.0] * 5)))
        with pytest.raises(LauterError, match="'cer' is double in the corpus and string"):
            writer.append(wrong_type)
        with pytest.raises(LauterError, match="a row without text cannot be kept"):
            writer.append(without_text)
    assert corpus.count() == 105


def test_failed_rows_are_taken_out_and_asked_again(corpus: Corpus) -> None:
    failed = corpus.pending(
        pa.Table.from_batches([utterances(range(100))]).select(REQUEST_SCHEMA.names),
        retry_failed=True,
    )
    with corpus.writing() as writer:
        before = max(corpus.versions())
        writer.remove(failed["request_id"])
        assert max(corpus.versions()) == before + 1
        assert corpus.count() == 90
        writer.remove([])
        writer.append(utterances(range(9, 10)))
    assert corpus.count("error_kind IS NOT NULL") == 1
    assert corpus.take(ids(range(50, 51)), ["text"])["text"].to_pylist() == ["Sentence 50."]


def test_rows_that_replace_others_do_so_in_one_commit_and_new_ones_come_along(
    corpus: Corpus,
) -> None:
    with corpus.writing() as writer:
        before = max(corpus.versions())
        writer.append(utterances(range(95, 102)), replacing=True)
        again = utterances(range(94, 97)).to_pylist()
        renewed = [row | {"error": "nobody answered", "error_kind": "failed"} for row in again]
        schema = corpus.schema
        batch = pa.RecordBatch.from_pylist(renewed, utterances(range(1)).schema)
        writer.append(
            batch.select([n for n in schema.names if n in batch.schema.names]), replacing=True
        )
        assert corpus.count() == 100
        writer.flush()
        assert max(corpus.versions()) == before + 1
        assert corpus.count() == 102
        writer.append(utterances(range(102, 104)))
    assert corpus.count() == 104
    assert corpus.count("error = 'nobody answered'") == 3
    found = [
        one for batch in corpus.scan(["request_id"]) for one in batch["request_id"].to_pylist()
    ]
    assert len(set(found)) == 104


def test_compaction_changes_no_row_and_keeps_scores(corpus: Corpus) -> None:
    with corpus.writing() as writer:
        writer.put_scores(scores(range(35), 0.5))
        writer.remove(ids(range(30, 40)))
        before = pa.Table.from_batches(corpus.scan())
        writer.compact()
    assert pa.Table.from_batches(corpus.scan()).equals(before)


def test_a_voice_heard_again_is_replaced(corpus: Corpus) -> None:
    def voices(*rows: tuple[str, str, bytes]) -> pa.Table:
        empty = dict.fromkeys(VOICE_SCHEMA.names[:8], "")
        listed = [
            empty | {"speaker": speaker, "dialect": dialect, "reference_audio": audio}
            for speaker, dialect, audio in rows
        ]
        return pa.Table.from_pylist(listed, schema=VOICE_SCHEMA)

    with corpus.writing() as writer:
        writer.put_voices(voices(("a", "en-US", b"1"), ("b", "en-US", b"2")))
        writer.put_voices(voices(("a", "en-US", b"3"), ("a", "cmn", b"4")))
    kept = corpus.voices().select(["speaker", "dialect", "reference_audio"]).to_pylist()
    assert {tuple(row.values()) for row in kept} == {
        ("a", "en-US", b"3"),
        ("a", "cmn", b"4"),
        ("b", "en-US", b"2"),
    }


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 5)),
        st.tuples(st.just("score"), st.sets(st.integers(0, 20), min_size=1)),
        st.tuples(st.just("remove"), st.sets(st.integers(0, 20), min_size=1)),
        st.tuples(st.sampled_from(["flush", "compact"]), st.none()),
    ),
    max_size=8,
)


@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
@given(STEPS, st.integers(1, 6))
def test_a_corpus_is_a_dictionary_of_rows_whatever_was_done_to_it(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, object]], rows_per_commit: int
) -> None:
    corpus = Corpus.create(tmp_path_factory.mktemp("law") / "corpus")
    known = ids(range(50))
    expected: dict[str, float | None] = {}
    asked = 0
    with corpus.writing(rows_per_commit=rows_per_commit) as writer:
        for moment, (step, argument) in enumerate(steps):
            if step == "append":
                assert isinstance(argument, int)
                writer.append(utterances(range(asked, asked + argument)))
                expected |= dict.fromkeys(known[asked : asked + argument])
                asked += argument
            elif step == "score":
                assert isinstance(argument, set)
                there = [known[n] for n in argument if known[n] in expected]
                figures = pa.array([float(moment)] * len(there), pa.float64())
                rows = pa.table([pa.array(there, pa.string()), figures], ["request_id", "cer"])
                writer.put_scores(rows)
                expected |= dict.fromkeys(there, float(moment))
            elif step == "remove":
                assert isinstance(argument, set)
                writer.remove([known[n] for n in argument])
                expected = {
                    i: e for i, e in expected.items() if i not in {known[n] for n in argument}
                }
            else:
                getattr(writer, step)()
        writer.put_scores(pa.table([pa.array([], pa.string()), pa.array([], pa.float64())],
                                   ["request_id", "cer"]))  # fmt: skip
    found = pa.Table.from_batches(
        corpus.scan(["request_id", "text", "cer"]),
        schema=pa.schema([corpus.schema.field(name) for name in ("request_id", "text", "cer")]),
    )
    assert dict(zip(found["request_id"].to_pylist(), found["cer"].to_pylist(), strict=True)) == (
        expected
    )
    assert len(found) == len(expected)
    texts = dict(zip(found["request_id"].to_pylist(), found["text"].to_pylist(), strict=True))
    assert all(text == f"Sentence {known.index(request)}." for request, text in texts.items())
