"""Which rows an export takes, and into which split."""

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from judged_corpus import accepted_numbers, judged_corpus, rejected, request_of

from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError
from lauter.datasets.records import UTTERANCE_SCHEMA
from lauter.datasets.selection import Selection, plain_row, select, split_of
from lauter.datasets.tags import Sound
from lauter.datasets.voices import VOICE_SCHEMA, Voice, voice_row

ROWS = 200


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return judged_corpus(tmp_path_factory.mktemp("corpus") / "corpus", ROWS)


def numbers(selection: Selection, split: str = "train") -> list[int]:
    return [seed for batch in selection.batches(split) for seed in batch["seed"].to_pylist()]


def test_accepted_rejected_or_all_that_was_spoken(corpus: Corpus) -> None:
    spoken = [number for number in range(ROWS) if number % 10 != 9]
    wanted = {
        True: accepted_numbers(ROWS),
        False: [number for number in spoken if rejected(number)],
        None: spoken,
    }
    for accepted, expected in wanted.items():
        selection = select(corpus, accepted=accepted)
        assert sorted(numbers(selection)) == expected
        verdict_is_told = "failed_gates" in [field.name for field in selection.fields]
        assert verdict_is_told == (accepted is not True)


def test_rejected_rows_come_with_their_reasons(corpus: Corpus) -> None:
    (first, *_) = select(corpus, accepted=False).batches("train")
    assert first["accepted"].to_pylist() == [False] * first.num_rows
    assert first["failed_gates"][0].as_py()[0]["reason"] == "it says something else"


def test_splits_share_rows_out_as_asked_and_no_text_is_in_two(corpus: Corpus) -> None:
    selection = select(corpus, splits={"train": 0.6, "valid": 0.3, "test": 0.1})
    assert list(selection.splits) == ["train", "valid", "test"]
    assert sum(selection.splits.values()) == len(accepted_numbers(ROWS))
    texts = {
        split: {request_of(number).prompt.text for number in numbers(selection, split)}
        for split in selection.splits
    }
    assert not texts["train"] & texts["valid"] and not texts["train"] & texts["test"]
    assert 0.4 < selection.splits["train"] / len(accepted_numbers(ROWS)) < 0.8


@given(
    st.lists(st.text(max_size=8), min_size=1, max_size=40),
    st.floats(0.05, 0.95),
)
def test_a_speaker_is_drawn_into_one_split_whoever_else_is_there(
    speakers: list[str], share: float
) -> None:
    shares = {"train": share, "test": 1 - share}
    drawn = {speaker: split_of(speaker, shares) for speaker in speakers}
    assert all(split_of(speaker, shares) == split for speaker, split in drawn.items())
    # A greater share of the first split takes speakers from the others, and gives none away.
    more = {"train": (share + 1) / 2, "test": (1 - share) / 2}
    for speaker, split in drawn.items():
        assert split == "test" or split_of(speaker, more) == "train"


def test_splits_by_speaker_have_no_speaker_in_two(tmp_path: Path) -> None:
    artists = [f"artist {number}" for number in range(23)]
    corpus = judged_corpus(tmp_path / "corpus", ROWS, speakers=artists)
    shares = {"train": 0.4, "valid": 0.3, "test": 0.3}
    selection = select(corpus, splits=shares, split_by="speaker")
    assert sum(selection.splits.values()) == len(accepted_numbers(ROWS))
    found: dict[str, set[str]] = {}
    for split in selection.splits:
        for batch in selection.batches(split):
            for speaker in batch["speaker"].to_pylist():
                found.setdefault(speaker, set()).add(split)
    assert {speaker: {split_of(speaker, shares)} for speaker in found} == found
    assert set(found) == set(artists)
    assert list(selection.splits) == list(shares)


def test_splits_by_speaker_tear_no_person_apart_who_has_several_voices(tmp_path: Path) -> None:
    homes = [f"artist {number}" for number in range(12)]
    abroad = {f"{home}_ja-JP": home for home in homes}
    corpus = judged_corpus(tmp_path / "corpus", ROWS, speakers=[*homes, *abroad])
    voices = [
        voice_row(Voice(speaker, "ja-JP", "female", "CC0-1.0", "hers", identity), None, None)
        for speaker, identity in abroad.items()
    ]
    with corpus.writing() as writer:
        writer.put_voices(pa.Table.from_pylist(voices, schema=VOICE_SCHEMA))
    selection = select(corpus, splits={"train": 0.5, "test": 0.5}, split_by="speaker")
    heard = {
        split: {
            abroad.get(speaker, speaker)
            for batch in selection.batches(split)
            for speaker in batch["speaker"].to_pylist()
        }
        for split in selection.splits
    }
    assert heard["train"] and heard["test"] and not heard["train"] & heard["test"]
    assert heard["train"] | heard["test"] == set(homes)


def test_splits_cannot_be_drawn_by_what_is_no_identity(corpus: Corpus) -> None:
    with pytest.raises(UsageError, match="cannot be drawn by 'seed'; choose text or speaker"):
        select(corpus, split_by="seed")


def test_a_text_stays_in_its_split_whatever_the_seed(corpus: Corpus) -> None:
    shares = {"train": 0.5, "valid": 0.5}
    one, other = (select(corpus, seed=seed, splits=shares) for seed in (0, 1))
    assert numbers(one, "valid") != numbers(other, "valid")
    assert sorted(numbers(one, "valid")) == sorted(numbers(other, "valid"))


def test_the_order_does_not_depend_on_the_order_of_speaking(tmp_path: Path) -> None:
    forward = judged_corpus(tmp_path / "forward", 30)
    backward = Corpus.create(tmp_path / "backward")
    rows = next(iter(forward.scan(UTTERANCE_SCHEMA.names)))
    with backward.writing() as writer:
        writer.append(rows.take(list(reversed(range(30)))).cast(rows.schema))
        writer.flush()
        writer.put_verdicts("strict", "p1", "gates: []\n", forward.verdicts())
    assert numbers(select(forward, seed=7)) == numbers(select(backward, seed=7))


@pytest.mark.parametrize(
    ("splits", "sentence"),
    [
        ({"train": 0.5, "valid": 0.4}, "do not add up to 1"),
        ({"train": 1.2, "valid": -0.2}, "not all positive"),
        ({"a/b": 1.0}, "'a/b' cannot name a split"),
    ],
)
def test_shares_that_make_no_sense_are_refused(
    splits: dict[str, float], sentence: str, corpus: Corpus
) -> None:
    with pytest.raises(UsageError, match=sentence):
        select(corpus, splits=splits)


@given(st.floats())
def test_a_figure_that_is_no_number_becomes_null(figure: float) -> None:
    plain = plain_row({"cer": figure, "text": "nan"})
    assert plain["text"] == "nan"
    assert plain["cer"] == (figure if abs(figure) < float("inf") else None)


@given(st.text(st.characters(codec="utf-8", exclude_characters="[]"), min_size=1, max_size=40))
def test_a_sentence_with_a_sound_in_it_is_in_the_split_of_the_sentence(text: str) -> None:
    shares = {"train": 0.5, "valid": 0.2, "test": 0.3}
    for sound in Sound:
        assert split_of(f"{text} [{sound}]", shares) == split_of(text, shares)
