"""Quotas of chains: every level up to the one asked for, of the same texts by the same speakers."""

from collections import defaultdict
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lauter.datasets.errors import UsageError
from lauter.datasets.prompts.cell import Cell, chain_of
from lauter.datasets.prompts.quotas import Draw, Quota
from lauter.datasets.prompts.table import TEXT_SCHEMA
from lauter.datasets.voices import Voice

VOICES = [Voice(f"en-{number}", "en-US", "unknown", "CC0-1.0", "made up") for number in range(3)]


def texts(count: int = 9, **written_for: list[str]) -> pa.Table:
    rows = [
        {"text": f"Sentence {number}.", "language": "en", "text_source": "here"}
        | {"text_licence": "CC0-1.0", "row": number}
        for number in range(count)
    ]
    table = pa.Table.from_pylist(rows, schema=TEXT_SCHEMA)
    for name, values in written_for.items():
        table = table.append_column(name, pa.array(values))
    return table


def draw_of(*quotas: Quota, pool: pa.Table | None = None, chains: bool = True) -> Draw:
    pool = texts() if pool is None else pool
    return Draw(quotas, ["en-US"], 3, pool, VOICES, 0, chains=chains)


def said(draw: Draw) -> dict[tuple[Any, ...], set[tuple[str, str]]]:
    """Texts and speakers of each emotion, level and speed."""
    found: dict[tuple[Any, ...], set[tuple[str, str]]] = defaultdict(set)
    for row in draw.prompts(draw.counts).to_pylist():
        manner = row["emotion"], row["emotion_level"], row["speed_level"]
        found[manner].add((row["text"], row["speaker"]))
    return found


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 5), st.integers(1, 9))
def test_every_level_says_the_same_texts_in_the_same_voices(level: int, count: int) -> None:
    levels = said(draw_of(Quota(count, "joy", level)))
    assert set(levels) == {("joy", each, 0) for each in range(1, level + 1)}
    (first,) = {frozenset(one) for one in levels.values()}
    assert len(first) == count


def test_a_chain_of_speed_runs_through_every_level_of_its_own_sign() -> None:
    levels = said(draw_of(Quota(2, speed_level=-3), Quota(2, speed_level=2)))
    assert set(levels) == {("neutral", 0, speed) for speed in (-3, -2, -1, 1, 2)}


def test_a_longer_chain_and_a_shorter_one_of_a_kind_add_up() -> None:
    draw = draw_of(Quota(2, "joy", 3), Quota(1, "joy", 1))
    assert {cell.emotion_level: count for cell, count in draw.counts.items()} == {1: 3, 2: 2, 3: 2}
    levels = said(draw)
    assert levels["joy", 2, 0] == levels["joy", 3, 0] < levels["joy", 1, 0]


def test_without_chains_a_level_is_a_cell_of_its_own() -> None:
    assert set(said(draw_of(Quota(2, "joy", 3), chains=False))) == {("joy", 3, 0)}


def test_the_cells_of_a_chain_stand_from_the_last_to_the_first() -> None:
    cell = Cell("en-US", "joy", 2, "rap", -1, "")
    manners = [(one.emotion_level, one.style, one.speed_level) for one in chain_of(cell)]
    assert manners == [(2, "rap", -1), (2, "rap", 0), (2, "plain", 0), (1, "plain", 0)]


def test_a_text_that_was_written_for_an_emotion_is_drawn_for_no_other() -> None:
    pool = texts(4, emotion=["joy", "joy", "anger", ""])
    levels = said(draw_of(Quota(3, "joy", 2), Quota(2, "anger", 1), pool=pool))
    assert {text for text, _ in levels["joy", 2, 0]} == {
        "Sentence 0.", "Sentence 1.", "Sentence 3."
    }  # fmt: skip
    assert {text for text, _ in levels["anger", 1, 0]} == {"Sentence 2.", "Sentence 3."}


def test_a_text_that_was_written_for_a_level_is_drawn_for_it_unless_levels_are_chains() -> None:
    pool = texts(3, emotion=["joy"] * 3, emotion_level=["1", "2", "0"])
    one_level = said(draw_of(Quota(2, "joy", 2), pool=pool, chains=False))
    assert {text for text, _ in one_level["joy", 2, 0]} == {"Sentence 1.", "Sentence 2."}
    assert len(said(draw_of(Quota(3, "joy", 2), pool=pool))["joy", 2, 0]) == 3


def test_a_manner_for_which_nothing_was_written_is_refused() -> None:
    with pytest.raises(UsageError, match="no text in 'en' for the dialect en-US that suits"):
        draw_of(Quota(1, "joy", 1), pool=texts(2, emotion=["anger", "anger"]))
