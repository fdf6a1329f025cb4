"""How far each edit moved its parent, and what it cost in words and voice.

Both say the same text in the same voice, so what differs is the edit's doing: a step of a single
level, which against another sentence drowns in chance (``margins.py``), is plain here. Parent and
child are rows of one corpus that may have been spoken far apart, so, like copies, steps are found
when a corpus is judged, from score columns alone. Pure; no model, no I/O.
"""

from collections.abc import Mapping
from dataclasses import astuple
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lauter.datasets.records import described
from lauter.datasets.tags import Style
from lauter.filters.margins import DIRECTIONS, SPEED_LEVEL_OCTAVES, SPREAD

STEP_FIELDS: Final = (
    described(
        "step_margin",
        pa.float64(),
        "Movement from its parent towards what its tags ask for: 1 as asked, 0 none",
    ),
    described("step_pitch_st", pa.float64(), "Mean pitch against its parent's", unit="st"),
    described(
        "step_range_octaves", pa.float64(), "Range of pitch against its parent's; 1: twice as wide"
    ),
    described("step_energy_db", pa.float64(), "Level against its parent's", unit="dB"),
    described("step_rate_octaves", pa.float64(), "Pace against its parent's; 1: twice as fast"),
    described("step_tilt_db", pa.float64(), "Spectral tilt against its parent's", unit="dB"),
    described("step_similarity", pa.float64(), "Cosine of the voice to its parent's"),
    described("step_cer", pa.float64(), "CER beyond its parent's"),
    described(
        "step_background", pa.float64(), "Predicted opinion of the background, against its parent's"
    ),
    described(
        "step_silence_s",
        pa.float64(),
        "Silence at both ends and in the longest pause, beyond its parent's",
        unit="s",
    ),
)
"""What a row with a parent is measured by; null where either lacks the figure."""

_SILENCES: Final = ("leading_silence_s", "trailing_silence_s", "longest_pause_s")
_EMBEDDING: Final = "speaker_embedding"
READ: Final = (
    "f0_mean_hz",
    "f0_range_st",
    "energy_db",
    "pace",
    "spectral_tilt_db",
    _EMBEDDING,
    "cer",
    "mos_background",
    *_SILENCES,
)
"""Score columns that steps are found from."""
_PAIRS_AT_ONCE: Final = 1 << 14
_TAGS: Final = ("emotion", "emotion_level", "style", "speed_level")

Figures = NDArray[np.float64]


def edit_steps(rows: pa.Table) -> pa.Table:
    """Return ``request_id`` and ``STEP_FIELDS`` for each row, null where no parent is among them.

    ``rows`` has ``request_id`` (each once), ``parent_id``, the tags of its cell, and those of
    ``READ`` that were measured.
    """
    named = pc.index_in(rows["parent_id"], value_set=rows["request_id"].combine_chunks())
    places = pc.if_else(pc.is_valid(rows["parent_id"]), named, None).combine_chunks()
    found = movements(rows.filter(pc.is_valid(places)), rows.take(places.drop_null()))
    columns = [np.full(len(rows), np.nan) for _ in STEP_FIELDS]
    is_child = pc.is_valid(places).to_numpy(zero_copy_only=False)
    for column, field in zip(columns, STEP_FIELDS, strict=True):
        column[is_child] = found[field.name]
    schema = pa.schema([pa.field("request_id", pa.string()), *STEP_FIELDS])
    steps = [pa.array(column, pa.float64(), from_pandas=True) for column in columns]
    return pa.table([rows["request_id"], *steps], schema=schema)


def movements(children: pa.Table, parents: pa.Table) -> dict[str, Figures]:
    """Return the figures of ``STEP_FIELDS``, each ``[rows]``, of rows against others beside them.

    Both have the tags of their cell and those of ``READ`` that were measured; what is not known is
    NaN. ``parents`` may be any utterances of the same texts by the same voices.
    """
    measured = {
        "pitch_st": 12 * _octaves(children, parents, "f0_mean_hz"),
        "range_octaves": _octaves(children, parents, "f0_range_st"),
        "energy_db": _difference(children, parents, "energy_db"),
        "rate_octaves": _octaves(children, parents, "pace"),
    }
    moved = np.stack(list(measured.values()), axis=1)
    found = {
        "margin": _margins(_asked(children, parents), moved),
        **measured,
        "tilt_db": _difference(children, parents, "spectral_tilt_db"),
        "similarity": _similarities(children, parents),
        "cer": _difference(children, parents, "cer"),
        "background": _difference(children, parents, "mos_background"),
        "silence_s": np.sum([_difference(children, parents, name) for name in _SILENCES], axis=0),
    }
    return {f"step_{name}": values for name, values in found.items()}


def _margins(asked: Figures, moved: Figures) -> Figures:
    """Return ``[rows]``: the least-squares answer to how much of the asked step was made.

    Both are ``[rows, measures]``. Measures that are not known are left out; where nothing that is
    known was asked to move, the margin is NaN.
    """
    spread = np.array(astuple(SPREAD), dtype=np.float64)
    known = np.isfinite(moved)
    wanted = np.where(known, asked / spread, 0.0)
    made = np.where(known, moved / spread, 0.0)
    squares = np.square(wanted).sum(axis=1)
    margins: Figures = np.full(len(asked), np.nan)
    np.divide((wanted * made).sum(axis=1), squares, out=margins, where=squares > 0)
    return margins


def _asked(children: pa.Table, parents: pa.Table) -> Figures:
    """Return ``[rows, measures]``: what the tags ask to move.

    Nothing where one of both is rapped or sung: pitch and pace are the beat's and the melody's.
    """
    tags = (side.select(_TAGS).to_pylist() for side in (children, parents))
    asked = np.zeros((len(children), len(astuple(SPREAD))))
    for row, (child, parent) in enumerate(zip(*tags, strict=True)):
        if child["style"] == parent["style"] == Style.PLAIN:
            asked[row] = _place(child) - _place(parent)
    return asked


def _place(tags: Mapping[str, Any]) -> Figures:
    """Return where tags lie in pitch, range, level and pace, neutral speech being at the origin."""
    direction = DIRECTIONS.get(tags["emotion"])
    place = np.zeros(len(astuple(SPREAD)))
    if direction is not None:
        place += tags["emotion_level"] * np.array(astuple(direction), dtype=np.float64)
    place[-1] += tags["speed_level"] * SPEED_LEVEL_OCTAVES
    return place


def _figures(rows: pa.Table, name: str) -> Figures:
    if name not in rows.column_names:
        return np.full(len(rows), np.nan)
    values: Figures = rows[name].to_numpy().astype(np.float64)
    return values


def _octaves(children: pa.Table, parents: pa.Table, name: str) -> Figures:
    ours, theirs = _figures(children, name), _figures(parents, name)
    # A figure of nothing, as the pace of no words, is no ratio's either end.
    known = (ours > 0) & (theirs > 0)
    ratios = np.divide(ours, theirs, out=np.ones(len(ours)), where=known)
    return np.where(known, np.log2(ratios), np.nan)


def _difference(children: pa.Table, parents: pa.Table, name: str) -> Figures:
    difference: Figures = _figures(children, name) - _figures(parents, name)
    return difference


def _similarities(children: pa.Table, parents: pa.Table) -> Figures:
    if _EMBEDDING not in children.column_names:
        return np.full(len(children), np.nan)
    found: Figures = np.concatenate(
        [
            _cosines(_vectors(children, start), _vectors(parents, start))
            for start in range(0, max(1, len(children)), _PAIRS_AT_ONCE)
        ]
    )
    return found


def _vectors(rows: pa.Table, start: int) -> Figures:
    """Return some embeddings ``[rows, dimensions]``; NaN where there is none."""
    some = rows[_EMBEDDING].slice(start, _PAIRS_AT_ONCE).combine_chunks()
    vectors = np.full((len(some), some.type.list_size), np.nan)
    valid = some.is_valid().to_numpy(zero_copy_only=False)
    vectors[valid] = some.flatten().to_numpy(zero_copy_only=False).reshape(-1, some.type.list_size)
    return vectors


def _cosines(left: Figures, right: Figures) -> Figures:
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    cosines: Figures = (left * right).sum(axis=1) / np.where(lengths > 0, lengths, np.nan)
    return cosines
