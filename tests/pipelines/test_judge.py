"""Judging a corpus: copies are found over all of it, and a policy must read what is measured."""

from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest
from canned_utterances import ids, utterances
from hand_made_chains import Made, batch_of, corpus_of, felt, id_of, later
from spoken_sentences import spoken_sentences

from lauter.datasets.audio import Clip
from lauter.datasets.corpus import Corpus
from lauter.datasets.corpus_writer import CorpusWriter
from lauter.datasets.errors import UsageError
from lauter.filters.edit_steps import STEP_FIELDS
from lauter.filters.policy import Policy, parse_policy
from lauter.filters.sound import SoundScorer
from lauter.pipelines.judge import judge_corpus
from lauter.pipelines.score import Score

NO_COPIES = parse_policy("gates: [{gate: copy, score: duplicate_of, absent: true, reason: Known.}]")


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    """Five sentences; the second one's recording comes again, quieter, as the fifth's."""
    spoken = [*spoken_sentences()[:4], spoken_sentences()[1]]
    gains = [1.0, 1.0, 1.0, 1.0, 0.2]
    audio = [
        Clip.of(one.samples * gain, one.sample_rate).encoded
        for one, gain in zip(spoken, gains, strict=True)
    ]
    batch = utterances(range(5))
    batch = batch.set_column(
        batch.schema.get_field_index("audio"),
        batch.schema.field("audio"),
        pa.array(audio, pa.large_binary()),
    )
    corpus = Corpus.create(tmp_path / "corpus")
    with corpus.writing() as writer:
        writer.append(Score((partial(SoundScorer),)).open()(batch))
    return corpus


def test_a_recording_that_comes_again_is_rejected_once(corpus: Corpus) -> None:
    with corpus.writing() as writer:
        verdicts = judge_corpus(corpus, writer, NO_COPIES).to_pylist()
    rejected = {row["request_id"] for row in verdicts if not row["accepted"]}
    twins = {ids(range(5))[1], ids(range(5))[4]}
    assert rejected == {max(twins)}
    (row,) = corpus.take(list(rejected), ["duplicate_of", "sound_duplicate_similarity"]).to_pylist()
    assert row["duplicate_of"] == min(twins)
    assert row["sound_duplicate_similarity"] > 0.9


def test_of_two_copies_the_one_that_passes_the_other_gates_is_kept(tmp_path: Path) -> None:
    policy = parse_policy("""
        gates:
          - {gate: copy, score: duplicate_of, absent: true, reason: Known.}
          - {gate: words, score: cer, at_most: 0.1, reason: Other words.}
        """)
    first, second, other = sorted(ids(range(3)))
    rows = utterances(range(3))
    texts = {first: "Twice said.", second: "Twice said.", other: "Said once, and at length."}
    position = rows.schema.get_field_index("text")
    said = [texts[request_id] for request_id in rows["request_id"].to_pylist()]
    rows = rows.set_column(position, rows.schema.field("text"), pa.array(said))
    figures = {first: 0.9, second: 0.0, other: 0.0}
    cer = [figures[request_id] for request_id in rows["request_id"].to_pylist()]
    corpus = Corpus.create(tmp_path / "corpus")
    with corpus.writing() as writer:
        writer.append(rows.append_column("cer", pa.array(cer, pa.float64())))
        verdicts = judge_corpus_after(writer, corpus, policy)
    assert verdicts == {first: ["copy", "words"], second: [], other: []}


def judge_corpus_after(
    writer: CorpusWriter, corpus: Corpus, policy: Policy
) -> dict[str, list[str]]:
    writer.flush()
    rows = judge_corpus(corpus, writer, policy).to_pylist()
    return {row["request_id"]: [gate["gate"] for gate in row["failed_gates"]] for row in rows}


def test_judging_again_changes_nothing(corpus: Corpus) -> None:
    with corpus.writing() as writer:
        first = judge_corpus(corpus, writer, NO_COPIES)
    with corpus.writing() as writer:
        assert judge_corpus(corpus, writer, NO_COPIES).equals(first)


def test_a_policy_that_reads_what_nothing_measures_is_refused_in_a_sentence(corpus: Corpus) -> None:
    policy = parse_policy("gates: [{gate: a, score: sound_prunt, at_least: 1, reason: R.}]")
    sentence = "'sound_prunt', which no scorer measures; did you mean sound_print?"
    with corpus.writing() as writer, pytest.raises(UsageError, match=sentence.replace("?", r"\?")):
        judge_corpus(corpus, writer, policy)
    assert corpus.policies() == []


STEPS = parse_policy(
    "gates: [{gate: step, score: step_margin, between: [0.3, 2.0], reason: Not as asked.}]"
)


def judged(corpus: Corpus, *commits: list[Made], policy: Policy = STEPS) -> dict[str, list[str]]:
    """Commit rows, judge all, and return the gates that each row failed."""
    with corpus.writing() as writer:
        for rows in commits:
            writer.append(batch_of(rows))
            writer.flush()
        found = judge_corpus(corpus, writer, policy).to_pylist()
    return {row["request_id"]: [gate["gate"] for gate in row["failed_gates"]] for row in found}


def margins(corpus: Corpus) -> dict[str, float | None]:
    table = pa.Table.from_batches(list(corpus.scan(["request_id", "step_margin"])))
    return dict(zip(table["request_id"].to_pylist(), table["step_margin"].to_pylist(), strict=True))


def test_an_edit_is_held_against_a_parent_of_another_commit(tmp_path: Path) -> None:
    corpus = Corpus.create(tmp_path / "corpus")
    failed = judged(corpus, [felt(2, 1.1)], [felt(1)], [Made("root")])
    assert failed == {id_of("root"): [], id_of("joy 1"): [], id_of("joy 2"): ["step"]}
    assert margins(corpus) == {
        id_of("root"): None,
        id_of("joy 1"): pytest.approx(1.0),
        id_of("joy 2"): pytest.approx(0.1),
    }


def test_a_parent_that_comes_later_is_held_against_its_edits_then(tmp_path: Path) -> None:
    corpus = Corpus.create(tmp_path / "corpus")
    assert judged(corpus, [felt(2, 1.1)]) == {id_of("joy 2"): []}
    assert "step_margin" not in corpus.schema.names  # nothing was to be said
    assert judged(corpus, [Made("root")], [felt(1)])[id_of("joy 2")] == ["step"]
    more = [felt(1, emotion="fear"), felt(2, 1.1, emotion="fear")]
    assert judged(corpus, more)[id_of("fear 2")] == ["step"]
    assert margins(corpus)[id_of("joy 2")] == pytest.approx(0.1)


def test_a_failed_parent_is_held_against_nothing(tmp_path: Path) -> None:
    corpus = Corpus.create(tmp_path / "corpus")
    rows = batch_of([Made("root"), felt(1)])
    place = rows.schema.get_field_index("error_kind")
    rows = rows.set_column(place, rows.schema.field("error_kind"), pa.array(["failed", None]))
    with corpus.writing() as writer:
        writer.append(rows)
        writer.flush()
        verdicts = judge_corpus(corpus, writer, STEPS).to_pylist()
    assert [row["accepted"] for row in verdicts] == [False, True]


def test_where_nothing_changed_nothing_is_written_but_verdicts(tmp_path: Path) -> None:
    corpus = Corpus.create(tmp_path / "corpus")
    first = judged(corpus, [Made("root"), felt(1), felt(2, float("nan"))])
    before = corpus.versions()
    assert judged(corpus) == first
    assert judged(corpus, policy=NO_COPIES).keys() == first.keys()
    assert corpus.versions() == before


def test_a_corpus_from_before_there_was_lineage_is_judged(tmp_path: Path) -> None:
    corpus = Corpus.create(tmp_path / "corpus")
    with corpus.writing() as writer:
        writer.append(utterances(range(5)))
        writer.flush()
        verdicts = judge_corpus(corpus, writer, STEPS)
    assert verdicts["accepted"].to_pylist() == [True] * 5
    assert not {field.name for field in STEP_FIELDS} & set(corpus.schema.names)


def test_a_corpus_without_rows_is_judged(tmp_path: Path) -> None:
    assert judged(Corpus.create(tmp_path / "corpus")) == {}
    corpus = corpus_of(tmp_path / "had", [[Made("root"), felt(1)]])
    with corpus.writing() as writer:
        writer.remove([id_of("root"), id_of("joy 1")])
    assert judged(Corpus.open(corpus.path)) == {}


def test_what_was_edited_later_is_no_copy_but_the_same_edit_twice_is(tmp_path: Path) -> None:
    root = Made("root")
    again = later(root, "noise", "noise again")
    rows = [root, later(root, "noise"), later(root, "silence"), again, Made("said twice")]
    failed = judged(Corpus.create(tmp_path / "corpus"), rows, policy=NO_COPIES)
    assert sorted(failed[id_of(name)] for name in ("noise", "noise again")) == [[], ["copy"]]
    assert sorted(failed[id_of(name)] for name in ("root", "said twice")) == [[], ["copy"]]
    assert failed[id_of("silence")] == []
