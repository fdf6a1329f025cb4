"""Streams of codes: what is woven comes apart again, and what is broken is found where it broke."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lauter.datasets.codes import (
    CODES,
    GROUP,
    LINGUISTIC_ENTRIES,
    SEMANTIC_ENTRIES,
    InvalidCodesError,
    check_codes,
    codes_as_text,
    codes_from_text,
    deinterleave,
    find_fault,
    interleave,
)

linguistic_entries = st.integers(0, LINGUISTIC_ENTRIES - 1)
semantic_entries = st.integers(0, SEMANTIC_ENTRIES - 1)
linguistic_codes = linguistic_entries
semantic_codes = semantic_entries.map(lambda entry: LINGUISTIC_ENTRIES + entry)
groups = st.tuples(
    linguistic_codes, linguistic_codes, semantic_codes, semantic_codes, semantic_codes
)
streams = st.lists(groups, max_size=8).map(lambda many: [code for group in many for code in group])
no_codes = st.one_of(st.integers(-(2**31), -1), st.integers(CODES, 2**31 - 1))


@st.composite
def stream_and_position(draw: st.DrawFn) -> tuple[list[int], int]:
    """Return a stream of a group or more, and a position in it."""
    stream = draw(streams.filter(len))
    return stream, draw(st.integers(0, len(stream) - 1))


@given(st.lists(linguistic_entries, max_size=30), st.lists(semantic_entries, max_size=30))
def test_what_is_woven_is_valid_and_comes_apart_again(
    linguistic: list[int], semantic: list[int]
) -> None:
    stream = interleave(linguistic, semantic)
    first, second = deinterleave(stream)
    whole = min(len(linguistic) // 2, len(semantic) // 3)
    assert find_fault(stream) is None
    assert first.tolist() == linguistic[: 2 * whole]
    assert second.tolist() == semantic[: 3 * whole]


@given(streams)
def test_what_comes_apart_is_woven_to_the_same(stream: list[int]) -> None:
    woven = interleave(*deinterleave(stream))
    assert woven.dtype == np.int32
    assert woven.tolist() == stream


def test_a_group_is_two_linguistic_codes_and_three_semantic_ones() -> None:
    stream = interleave([7, 8, 9, 10], [0, 1, 2, 3, 4, 4095])
    assert stream.tolist() == [7, 8, 1024, 1025, 1026, 9, 10, 1027, 1028, 5119]


@given(streams)
def test_text_gives_the_codes_back(stream: list[int]) -> None:
    assert codes_from_text(codes_as_text(stream)).tolist() == stream


def test_the_text_form_is_that_of_the_released_models() -> None:
    assert codes_as_text([17, 1028]) == "<audio_17><audio_1028>"


@pytest.mark.parametrize("text", ["<audio_>", "<audio_-1>", "hello", "<audio_1", "<audio_１>"])
def test_text_that_is_no_codes_is_named(text: str) -> None:
    with pytest.raises(InvalidCodesError, match="is no code"):
        codes_from_text(f"<audio_1>{text}")


@given(stream_and_position(), no_codes)
def test_a_number_of_neither_book_is_found_where_it_stands(
    where: tuple[list[int], int], wrong: int
) -> None:
    stream, position = where
    fault = find_fault([*stream[:position], wrong, *stream[position + 1 :]])
    assert fault is not None
    assert fault.position == position
    assert str(wrong) in fault.what


@given(stream_and_position())
def test_a_code_of_the_other_book_is_found_where_it_stands(where: tuple[list[int], int]) -> None:
    stream, position = where
    wrong = (stream[position] + LINGUISTIC_ENTRIES) % (2 * LINGUISTIC_ENTRIES)
    if stream[position] >= LINGUISTIC_ENTRIES:
        wrong = stream[position] % LINGUISTIC_ENTRIES
    fault = find_fault([*stream[:position], wrong, *stream[position + 1 :]])
    assert fault is not None
    assert fault.position == position


@given(stream_and_position())
def test_two_codes_that_changed_places_are_found_where_the_books_meet(
    where: tuple[list[int], int],
) -> None:
    stream, position = where
    changed = list(stream)
    changed[position : position + 2] = stream[position : position + 2][::-1]
    fault = find_fault(changed)
    if position % GROUP in (1, 4) and position + 1 < len(stream):
        assert fault is not None
        assert fault.position == position
    else:
        assert fault is None  # within a book, order is not to be seen


@given(stream_and_position())
def test_a_lost_code_is_found_within_a_group_of_its_place(where: tuple[list[int], int]) -> None:
    stream, position = where
    shorter = stream[:position] + stream[position + 1 :]
    fault = find_fault(shorter)
    assert fault is not None
    assert position <= fault.position <= min(position + GROUP, len(shorter))


@given(stream_and_position(), st.one_of(linguistic_codes, semantic_codes))
def test_a_code_too_many_is_found_within_a_group_of_its_place(
    where: tuple[list[int], int], added: int
) -> None:
    stream, position = where
    longer = [*stream[:position], added, *stream[position:]]
    fault = find_fault(longer)
    assert fault is not None
    assert position <= fault.position <= min(position + GROUP, len(longer))


@given(streams.filter(len), st.integers(1, GROUP - 1))
def test_a_stream_cut_within_a_group_is_found_at_its_end(stream: list[int], lost: int) -> None:
    fault = find_fault(stream[:-lost])
    assert fault is not None
    assert fault.position == len(stream) - lost
    assert f"ends {GROUP - lost} codes into a group" in fault.what


def test_an_empty_stream_has_no_fault() -> None:
    assert find_fault([]) is None
    assert len(check_codes([], "x")) == 0


@pytest.mark.parametrize("codes", [[1.5, 2.0], [[1, 2]], [None], ["<audio_1>"], [2**63, 2**64]])
def test_what_is_no_row_of_whole_numbers_is_a_fault_and_no_crash(codes: list[int]) -> None:
    fault = find_fault(codes)
    assert fault is not None
    assert fault.position == 0
    with pytest.raises(InvalidCodesError, match="whole numbers"):
        interleave(codes, [0, 1, 2])


def test_a_stream_that_is_not_valid_is_named_with_its_position() -> None:
    with pytest.raises(InvalidCodesError) as caught:
        deinterleave([1, 2, 3, 1025, 1026], "utterance 4f")
    assert str(caught.value) == (
        "the codes of utterance 4f are not valid: at position 2 the stream has the linguistic "
        "code 3 in a semantic slot (3 of 5); encode its audio again"
    )


@pytest.mark.parametrize(
    ("linguistic", "semantic", "named"),
    [
        ([0, 1024], [0], "the linguistic book has entries 0 to 1023, not 1024 (at position 1)"),
        ([0], [-1], "the semantic book has entries 0 to 4095, not -1 (at position 0)"),
    ],
)
def test_an_entry_that_its_book_does_not_have_is_named(
    linguistic: list[int], semantic: list[int], named: str
) -> None:
    with pytest.raises(InvalidCodesError) as caught:
        interleave(linguistic, semantic)
    assert named in str(caught.value)
