"""Judging a corpus: copies are found over all of it, and a policy must read what is measured."""

from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest
from canned_utterances import ids, utterances
from spoken_sentences import spoken_sentences

from lauter.datasets.audio import Clip
from lauter.datasets.corpus import Corpus
from lauter.datasets.corpus_writer import CorpusWriter
from lauter.datasets.errors import UsageError
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
