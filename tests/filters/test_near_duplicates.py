"""Near-duplicates: what counts as one, and laws that hold for every corpus."""

import random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from near_duplicate_rows import near_duplicate_rows
from rapidfuzz.distance import Levenshtein

from lauter.filters.near_duplicates import DUPLICATE_FIELDS, TEXT_ALIKE, duplicates


def repeats(texts: list[str], **columns: list[Any]) -> list[str | None]:
    found = duplicates(near_duplicate_rows(len(texts), text=texts, **columns))
    return found["duplicate_of"].to_pylist()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "other",
    [
        "The ferry to the island leaves at noon.",
        "the ferry to the island leaves at noon",
        "Ｔｈｅ ferry — to the island — leaves at noon!",
        "The ferry to this island leaves at noon.",
        "A ferry to the island leaves at noon.",
    ],
)
def test_texts_that_differ_by_little_are_the_same(other: str) -> None:
    assert repeats(["The ferry to the island leaves at noon.", other]) == [None, "000000"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The ferry to the island leaves at noon.", "The last bus to the harbour left at nine."),
        (
            "The meeting was moved to room 12 upstairs.",
            "The meeting was moved to room 13 upstairs.",
        ),
        ("火车九点开。", "火车十点开。"),
        ("…", "?!"),
    ],
)
def test_texts_that_say_something_else_are_not(one: str, other: str) -> None:
    assert repeats([one, other]) == [None, None]


@pytest.mark.parametrize(
    "column", ["speaker", "emotion", "emotion_level", "style", "speed_level", "dialect"]
)
def test_the_same_text_in_another_cell_is_wanted(column: str) -> None:
    values: list[Any] = [1, 2] if column.endswith("level") else ["one", "other"]
    assert repeats(["The same words."] * 2, **{column: values}) == [None, None]


def test_rows_of_other_variants_are_no_copies_in_words_or_in_sound() -> None:
    bits = np.random.default_rng(0).integers(0, 2**32, 60, np.uint32)
    variants = ["", "a noise", "a noise", ""]
    assert repeats(["The same words."] * 4, variant=variants) == [None, None, "000001", "000000"]
    other_words = ["One thing.", "Another story.", "A third of all.", "Words."]
    found = repeats(other_words, variant=variants, sound_print=[bits] * 4)
    assert found == [None, None, "000001", "000000"]


def test_a_row_says_how_alike_it_is() -> None:
    text = "She reads a letter by the window."
    found = duplicates(near_duplicate_rows(3, text=[text, text, f"{text} x"])).to_pylist()
    assert [row["text_duplicate_similarity"] for row in found] == [
        None,
        1.0,
        pytest.approx(26 / 27),
    ]
    assert [row["sound_duplicate_similarity"] for row in found] == [None] * 3


def test_the_columns_are_those_that_are_declared_even_without_rows() -> None:
    for count in (0, 1):
        found = duplicates(near_duplicate_rows(count))
        assert found.schema.names == ["request_id", *(field.name for field in DUPLICATE_FIELDS)]
        assert found["duplicate_of"].null_count == len(found) == count


words = st.sampled_from(["river", "stone", "maple", "lantern", "quiet", "seven", "orchard"])
texts = st.lists(words, min_size=1, max_size=7).map(" ".join)
prints = st.sampled_from(range(4)).map(
    lambda seed: np.random.default_rng(seed).integers(0, 2**32, 40, np.uint32)
)


def noisy(bits: np.ndarray, seed: int) -> np.ndarray:
    """The same print with one bit in twelve turned."""
    turned = np.random.default_rng(seed).random((len(bits), 32)) < 1 / 12
    return bits ^ (turned @ (1 << np.arange(32, dtype=np.uint64))).astype(np.uint32)


@st.composite
def corpora(draw: st.DrawFn) -> pa.Table:
    rows = draw(st.lists(st.tuples(texts, prints, st.integers(0, 99)), max_size=30))
    count = len(rows)
    return near_duplicate_rows(
        count,
        text=[text for text, _, _ in rows],
        sound_print=[None if seed < 30 else noisy(bits, seed) for _, bits, seed in rows],
        speaker=draw(st.lists(st.sampled_from("ab"), min_size=count, max_size=count)),
        variant=draw(st.lists(st.sampled_from(["", "x"]), min_size=count, max_size=count)),
    )


@settings(deadline=None)
@given(corpora(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: pa.Table, chance: random.Random) -> None:
    order = list(range(len(rows)))
    chance.shuffle(order)
    assert duplicates(rows.take(pa.array(order, pa.int64()))).equals(duplicates(rows))


@settings(deadline=None)
@given(corpora())
def test_what_is_kept_is_never_itself_a_duplicate(rows: pa.Table) -> None:
    found = duplicates(rows).to_pylist()
    of = {row["request_id"]: row["duplicate_of"] for row in found}
    for row in found:
        if row["duplicate_of"] is not None:
            assert of[row["duplicate_of"]] is None
            assert row["duplicate_of"] < row["request_id"]
            likeness = (row["text_duplicate_similarity"], row["sound_duplicate_similarity"])
            assert max(figure or 0.0 for figure in likeness) >= 0.7


@settings(max_examples=40)
@given(corpora())
def test_variants_are_searched_as_if_each_were_alone(rows: pa.Table) -> None:
    found = duplicates(rows)
    for variant in ("", "x"):
        alone = duplicates(rows.filter(pc.equal(rows["variant"], variant)))
        kept = pc.is_in(found["request_id"], value_set=alone["request_id"].combine_chunks())
        assert found.filter(kept).equals(alone)


@settings(deadline=None)
@given(corpora())
def test_without_its_duplicates_a_corpus_has_none(rows: pa.Table) -> None:
    kept = rows.filter(duplicates(rows).sort_by("request_id")["duplicate_of"].is_null())
    assert duplicates(kept)["duplicate_of"].null_count == len(kept)


def test_hundreds_of_copies_are_one_group() -> None:
    bits = np.random.default_rng(0).integers(0, 2**32, 60, np.uint32)
    rows = near_duplicate_rows(
        300,
        text=["The same words."] * 100 + [f"Text {chr(0x4E00 + n)}." * 3 for n in range(200)],
        sound_print=[None] * 100 + [bits] * 200,
        # The recordings of two manners lie among each other.
        speed_level=[0] * 100 + [0, 1] * 100,
    )
    found = duplicates(rows)["duplicate_of"].to_pylist()
    assert found == [
        *[None, *["000000"] * 99],
        *[None, None, *["000100", "000101"] * 99],
    ]


def test_nearly_all_pairs_that_a_comparison_of_all_finds_are_found() -> None:
    chance = random.Random(1)
    letters = "abcdefghijklmnopqrstuvwxyz"
    originals = ["".join(chance.choices(letters, k=chance.randint(20, 60))) for _ in range(400)]

    def changed(text: str) -> str:
        characters = list(text)
        for _ in range(chance.randint(1, len(text) // 8)):
            characters[chance.randrange(len(characters))] = chance.choice(letters)
        return "".join(characters)

    copies = list(map(changed, originals))
    alike = [
        Levenshtein.normalized_similarity(one, other) >= TEXT_ALIKE
        for one, other in zip(originals, copies, strict=True)
    ]
    found = repeats([*originals, *copies])[len(originals) :]
    expected = [f"{number:06d}" if same else None for number, same in enumerate(alike)]
    missed = sum(a is None and b is not None for a, b in zip(found, expected, strict=True))
    assert missed <= 0.02 * sum(alike)
    assert all(a in (None, b) for a, b in zip(found, expected, strict=True))
