"""What is wrong with an answer is found before it is paid for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lauter.datasets.codes import Codes, interleave
from lauter.teacher.step_audio.validation import find_invalid, find_loop

TEXT = "Set the alarm for half past seven."  # 34 bytes: 29 to 366 codes


def speech(groups: int = 20, seed: int = 0) -> Codes:
    draw = np.random.default_rng(seed)
    return interleave(
        draw.integers(0, 1024, groups * 2).astype(np.int32),
        draw.integers(0, 4096, groups * 3).astype(np.int32),
    )


def kind_of(codes: Codes, *, ended: bool = True, text: str = TEXT) -> str | None:
    found = find_invalid(codes, ended, text)
    return found.kind if found else None


def test_speech_of_the_texts_length_is_valid() -> None:
    assert kind_of(speech()) is None


@pytest.mark.parametrize("strays", [1, 3])
def test_stray_codes_at_the_front_are_counted(strays: int) -> None:
    codes = np.concatenate([np.full(strays, 2000, np.int32), speech()])
    found = find_invalid(codes, True, TEXT)
    assert found is not None
    assert found.kind == "stray codes"
    assert f"{strays} semantic" in found.what


@pytest.mark.parametrize(
    ("place", "code", "kind"),
    [(0, -1, "no code"), (7, 9999, "no code"), (6, 3000, "misplaced code"),
     (8, 3, "misplaced code")],
)  # fmt: skip
def test_a_code_that_cannot_stand_where_it_stands_is_named(
    place: int, code: int, kind: str
) -> None:
    codes = speech()
    codes[place] = code
    found = find_invalid(codes, True, TEXT)
    assert found is not None
    assert found.kind == kind
    assert f"position {place}" in found.what


def test_a_group_that_was_cut_off_is_incomplete() -> None:
    assert kind_of(speech()[:-2]) == "incomplete group"


def test_an_answer_without_its_end_is_no_answer() -> None:
    assert kind_of(speech(), ended=False) == "no end"


def test_nothing_is_no_answer() -> None:
    assert kind_of(np.empty(0, np.int32)) == "empty"


def test_speech_far_too_short_or_too_long_for_its_text_is_found() -> None:
    assert kind_of(speech(3)) == "too short"
    assert kind_of(speech(100)) == "too long"
    assert kind_of(speech(3), text="Hi.") is None


@given(st.integers(1, 25), st.integers(0, 30), st.integers(0, 30), st.integers(0, 5))
def test_a_loop_is_found_wherever_it_stands(
    period: int, before: int, after: int, seed: int
) -> None:
    once = speech(period, seed + 100).reshape(-1, 5)
    times = max(3, -(-16 // period))
    codes = np.concatenate(
        [speech(before, seed), np.tile(once, (times, 1)).reshape(-1), speech(after, seed + 1)]
    ).astype(np.int32)
    found = find_loop(codes)
    assert found is not None
    start, length = found
    assert start <= before and period % length == 0


@given(st.integers(0, 200), st.integers(0, 1000))
def test_speech_without_repetition_has_no_loop(groups: int, seed: int) -> None:
    assert find_loop(speech(groups, seed)) is None
