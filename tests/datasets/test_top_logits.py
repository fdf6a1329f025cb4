"""The compressed form of a teacher's likeliest entries: what it keeps, and what it costs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lauter.datasets.top_logits import (
    END_ENTRY,
    InvalidTopLogitsError,
    TopLogits,
    compress,
    concatenate,
    cut,
    decompress,
)

GOLDEN = "544f503106000000020101020001537300004d840000fffff7c700f001ff8090000fff0010200804f14aa906"
"""Six places, as `golden_stream` has them; a change of the format needs a new magic."""


def legal(slot: int) -> int:
    return (1025, 1024, 4096, 4096, 4096)[slot]


def made_up(seed: int, places: int, k: int, *, sharpness: float = 1.2) -> TopLogits:
    """A teacher whose probabilities fall by a power law, some entries out of line."""
    random = np.random.default_rng(seed)
    entries, logs, tails = [], [], []
    for place in range(places):
        size = legal(place % 5)
        masses = np.arange(1.0, size + 1) ** -sharpness * np.exp(random.normal(size=size) * 0.7)
        masses = np.sort(masses / masses.sum())[::-1]
        entries.append(random.permutation(size)[:k])
        logs.append(np.log(masses[:k]))
        tails.append(masses[k:].sum())
    return TopLogits(
        np.array(entries, np.int16), np.array(logs, np.float32), np.array(tails, np.float32)
    )


@st.composite
def streams(draw: st.DrawFn) -> TopLogits:
    """Anything a teacher may say: places that name none or all, ties, masses of 0 and 1."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    places, k = draw(st.integers(0, 12)), draw(st.sampled_from([0, 1, 2, 7, 40]))
    spread = draw(st.sampled_from([0.0, 0.5, 3.0, 30.0]))
    entries = np.full((places, k), -1, np.int16)
    logs = np.full((places, k), -np.inf, np.float32)
    tail = np.ones(places, np.float32)
    for place in range(places):
        named = int(random.integers(0, k + 1))
        tail[place] = 1 if not named else random.choice([0, 1e-30, 1e-4, 0.5, 1 - 1e-6, 1])
        raw = np.sort(random.normal(size=named) * spread)[::-1]
        entries[place, :named] = random.permutation(legal(place % 5))[:named]
        if named:
            with np.errstate(divide="ignore"):
                mass = np.log(1 - tail[place].astype(np.float64))
            logs[place, :named] = raw - np.log(np.exp(raw).sum()) + mass
    return TopLogits(entries, logs, tail)


@settings(max_examples=150, deadline=None)
@given(streams())
def test_entries_are_exact_probabilities_within_the_stated_error_and_mass_is_conserved(
    said: TopLogits,
) -> None:
    back = decompress(compress(said))
    kept = back.entries >= 0
    width = kept.shape[1]
    np.testing.assert_array_equal(back.entries[kept], said.entries[:, :width][kept])
    near = said.log_probabilities >= said.log_probabilities[:, :1] - 15.9
    may_be_named = near & (said.entries >= 0) & (said.tail < 1)[:, None]
    assert (kept | ~may_be_named[:, :width]).all() and not may_be_named[:, width:].any()
    mass = np.exp(back.log_probabilities.astype(np.float64)).sum(1) + back.tail
    np.testing.assert_allclose(mass, 1, atol=1e-6)
    # Where the tail is almost all or almost nothing it is held at exp(-16).
    between = (said.tail > 2e-7) & (said.tail < 1 - 2e-7)
    compared = kept & between[:, None]
    errors = np.abs(back.log_probabilities[compared] - said.log_probabilities[:, :width][compared])
    assert (errors <= 1 / 16 + 1e-3).all()
    dropped = np.exp(said.log_probabilities.astype(np.float64))
    dropped[:, :width][kept] = 0
    np.testing.assert_allclose(
        back.tail[between], (said.tail + dropped.sum(1))[between], rtol=1 / 4000
    )
    nothing = (said.tail == 0) & (said.log_probabilities > -np.inf).any(1)
    assert (back.tail[nothing] < 2e-7).all()


@settings(max_examples=50, deadline=None)
@given(streams())
def test_what_was_decompressed_compresses_to_the_same_bytes(said: TopLogits) -> None:
    data = compress(said)
    assert compress(decompress(data)) == data


@settings(max_examples=50, deadline=None)
@given(streams(), st.integers(0, 2**32 - 1), st.sampled_from(["cut", "flip", "grow"]))
def test_damaged_bytes_are_told_in_a_sentence(said: TopLogits, at: int, how: str) -> None:
    data = compress(said)
    place = at % len(data)
    damaged = {
        "cut": data[:place],
        "flip": data[:place] + bytes([data[place] ^ (1 << at % 8)]) + data[place + 1 :],
        "grow": data + b"\0",
    }[how]
    with pytest.raises(InvalidTopLogitsError, match=r"top_logits of utterance 4f.*lauter teach"):
        decompress(damaged, "utterance 4f")


def golden_stream() -> TopLogits:
    none = -np.inf
    return TopLogits(
        np.array([[7, END_ENTRY], [1023, -1], [0, -1], [4095, 1], [-1, -1], [9, -1]], np.int16),
        np.array(
            [[-0.5, -1.5], [0, none], [-1, none], [-0.125, -2.25], [none, none], [-9, none]],
            np.float32,
        ),
        np.array([0.17, 0, 0.63, 0, 1, 0.99988], np.float32),
    )


def test_the_bytes_of_the_format_stay_as_they_are() -> None:
    assert compress(golden_stream()).hex() == GOLDEN
    assert decompress(bytes.fromhex(GOLDEN)).entries.tolist() == golden_stream().entries.tolist()


@pytest.mark.parametrize(
    ("k", "bytes_a_place"), [(8, 18), (16, 33), (32, 62), (50, 95), (128, 237)]
)
def test_a_place_costs_what_is_said(k: int, bytes_a_place: int) -> None:
    assert len(compress(made_up(0, 51, k))) / 51 == pytest.approx(bytes_a_place, rel=0.03)


def test_a_sure_teacher_costs_less_when_it_is_cut() -> None:
    sure = made_up(0, 51, 50, sharpness=4)
    short = cut(sure, 0.99)
    assert len(compress(short)) < len(compress(sure)) / 4
    np.testing.assert_allclose(np.exp(short.log_probabilities).sum(1) + short.tail, 1, atol=1e-6)
    assert (short.tail <= 0.01 + 1e-6).all()


def test_a_cut_keeps_all_where_all_have_less_than_the_mass() -> None:
    unsure = made_up(0, 6, 4)
    assert cut(unsure, 0.9999).entries.tolist() == unsure.entries.tolist()


def test_streams_stand_one_after_the_other_in_a_batch() -> None:
    first, second = made_up(0, 6, 2), made_up(1, 11, 5)
    both = concatenate([first, second])
    assert both.entries.shape == (17, 5) and both.places == 17
    assert (both.entries[:6, 2:] == -1).all() and np.isneginf(both.log_probabilities[:6, 2:]).all()
    np.testing.assert_array_equal(both.entries[6:], second.entries)


@pytest.mark.parametrize(
    ("entries", "logs", "tail", "said"),
    [
        ([[0]] * 2 + [[4096]], [[0.0]] * 3, [0.5] * 3, "place 2 names the entry 4096"),
        ([[0], [END_ENTRY]], [[0.0]] * 2, [0.5] * 2, "place 1 names the entry 1024"),
        ([[1, 2]], [[-2.0, -1.0]], [0.5], "not sorted by probability"),
        ([[1, 2]], [[-2.0, np.nan]], [0.5], "not sorted by probability"),
        ([[1]], [[-2.0]], [-0.5], "probabilities are no numbers"),
        ([[1] * 256], [[-9.0] * 256], [0.5], "256 entries a place are too many"),
    ],
)
def test_what_no_teacher_says_is_not_compressed(
    entries: list[list[int]], logs: list[list[float]], tail: list[float], said: str
) -> None:
    top = TopLogits(np.array(entries, np.int16), np.array(logs, np.float32), np.array(tail))
    with pytest.raises(InvalidTopLogitsError, match=said):
        compress(top)
