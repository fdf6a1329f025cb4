"""Steps: what an edit moved, from the figures of parent and child alone."""

import math
from dataclasses import astuple
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lauter.filters.edit_steps import STEP_FIELDS, edit_steps
from lauter.filters.margins import DIRECTIONS, SPEED_LEVEL_OCTAVES

NEUTRAL = {
    "f0_mean_hz": 200.0,
    "f0_range_st": 6.0,
    "energy_db": -23.0,
    "pace": 1.0,
    "spectral_tilt_db": 10.0,
    "cer": 0.0,
}


def row(name: str, parent: str | None = None, **changed: Any) -> dict[str, Any]:
    tags = {"emotion": "neutral", "emotion_level": 0, "style": "plain", "speed_level": 0}
    vector = np.zeros(256, np.float16)
    vector[0] = 1
    known = {"request_id": name, "parent_id": parent, "speaker_embedding": vector.tolist()}
    return known | tags | NEUTRAL | changed


def steps_of(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    table = pa.Table.from_pylist(list(rows))
    kind = pa.list_(pa.float16(), 256)
    place = table.schema.get_field_index("speaker_embedding")
    vectors = pa.array([one["speaker_embedding"] for one in rows], kind)
    table = table.set_column(place, "speaker_embedding", vectors)
    parents = table["parent_id"].cast(pa.string())
    table = table.set_column(table.schema.get_field_index("parent_id"), "parent_id", parents)
    return edit_steps(table).to_pylist()


def moved_by(emotion: str, levels: float) -> dict[str, float]:
    """The figures of speech that moved exactly so many levels from ``NEUTRAL``."""
    pitch, wide, loud, fast = (levels * part for part in astuple(DIRECTIONS[emotion]))
    return {
        "f0_mean_hz": 200.0 * 2 ** (pitch / 12),
        "f0_range_st": 6.0 * 2**wide,
        "energy_db": -23.0 + loud,
        "pace": 2**fast,
    }


@given(st.sampled_from(sorted(DIRECTIONS)), st.floats(-3, 3))
def test_a_step_that_moved_so_much_has_that_margin(emotion: str, levels: float) -> None:
    child = row("b", "a", emotion=emotion, emotion_level=1, **moved_by(emotion, levels))
    (_, step) = steps_of(row("a"), child)
    assert step["step_margin"] == pytest.approx(levels, abs=1e-6)


@given(st.sampled_from(sorted(DIRECTIONS)), st.integers(1, 4))
def test_each_level_is_held_against_the_one_before(emotion: str, level: int) -> None:
    parent = row("a", emotion=emotion, emotion_level=level, **moved_by(emotion, level))
    child = row("b", "a", emotion=emotion, emotion_level=level + 1, **moved_by(emotion, level + 1))
    assert steps_of(parent, child)[1]["step_margin"] == pytest.approx(1.0)


@given(st.sampled_from(sorted(DIRECTIONS)), st.integers(1, 5))
def test_taking_an_emotion_away_is_a_step_too(emotion: str, level: int) -> None:
    parent = row("a", emotion=emotion, emotion_level=level, **moved_by(emotion, level))
    assert steps_of(parent, row("b", "a"))[1]["step_margin"] == pytest.approx(1.0)


def test_a_step_of_speed_is_held_against_the_pace_alone() -> None:
    child = row("b", "a", speed_level=-1, pace=2**-SPEED_LEVEL_OCTAVES, energy_db=-10.0)
    step = steps_of(row("a"), child)[1]
    assert step["step_margin"] == pytest.approx(1.0)
    assert step["step_energy_db"] == pytest.approx(13.0)


def test_what_is_not_known_is_left_out_of_the_margin() -> None:
    figures = moved_by("joy", 2.0) | {"f0_mean_hz": None, "f0_range_st": None}
    child = row("b", "a", emotion="joy", emotion_level=1, **figures)
    step = steps_of(row("a"), child)[1]
    assert step["step_margin"] == pytest.approx(2.0)
    assert step["step_pitch_st"] is None


def test_rap_and_song_have_no_margin_but_figures() -> None:
    step = steps_of(row("a"), row("b", "a", style="rap", cer=0.25, f0_mean_hz=400.0))[1]
    assert step["step_margin"] is None
    assert step["step_cer"] == pytest.approx(0.25)
    assert step["step_pitch_st"] == pytest.approx(12.0)


def test_a_row_whose_parent_is_not_there_has_no_step() -> None:
    for step in steps_of(row("a"), row("b", "elsewhere", emotion="joy", emotion_level=1)):
        assert all(step[field.name] is None for field in STEP_FIELDS)


def test_a_voice_is_held_against_its_parents() -> None:
    turned = np.zeros(256, np.float16)
    turned[:2] = math.sqrt(0.5)
    child = row("b", "a", emotion="joy", emotion_level=1, speaker_embedding=turned.tolist())
    unknown = row("c", "a", emotion="joy", emotion_level=1, speaker_embedding=None)
    steps = steps_of(row("a"), child, unknown)
    assert steps[1]["step_similarity"] == pytest.approx(math.sqrt(0.5), abs=1e-3)
    assert steps[2]["step_similarity"] is None
