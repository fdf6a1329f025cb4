"""A corpus of chains whose figures are made by hand: no sound, but rows as a run leaves them."""

from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from lauter.datasets.corpus import Corpus
from lauter.datasets.lineage import EDITOR, LINEAGE_FIELDS
from lauter.datasets.records import UTTERANCE_SCHEMA, Prompt, Request
from lauter.filters.gates import judge
from lauter.filters.margins import DIRECTIONS, SPEED_LEVEL_OCTAVES
from lauter.filters.policy import parse_policy

NEUTRAL = Prompt("Good day.", "en", "en-US", speaker="ada")
POLICY = parse_policy("gates: [{gate: words, score: cer, at_most: 0.2, reason: Other words.}]")
_FIGURES = ("f0_mean_hz", "f0_range_st", "energy_db", "pace")


@dataclass(frozen=True)
class Made:
    """One row: what it is, what it is an edit of, and how far it lies from neutral speech.

    ``levels`` is along the direction of its tags; None: nothing was measured.
    """

    name: str
    prompt: Prompt = NEUTRAL
    parent: str | None = None
    edit: str | None = None
    levels: float | None = 0.0
    accepted: bool = True
    teacher: str = "canned"
    figures: dict[str, float] = field(default_factory=dict)


def felt(level: int, levels: float | None = None, emotion: str = "joy", **more: Any) -> Made:
    """Return a level of an emotion, edited from the one before; the first from ``root``."""
    parent = f"{emotion} {level - 1}" if level > 1 else "root"
    edit = f"{emotion} {level}"
    prompt = replace(NEUTRAL, emotion=emotion, emotion_level=level)
    moved = float(level) if levels is None else levels
    return replace(Made(edit, prompt, parent, edit, moved), **more)


def later(parent: Made, edit: str, name: str = "", **more: Any) -> Made:
    """Return what was edited later, out of the speech of ``parent``."""
    made = Made(name or edit, parent.prompt, parent.name, edit, parent.levels, teacher=EDITOR)
    return replace(made, **more)


def corpus_of(folder: Path, commits: Sequence[Sequence[Made]], *, judged: bool = True) -> Corpus:
    """Write the rows, one commit after the other, judged by ``POLICY``."""
    corpus = Corpus.create(folder)
    with corpus.writing() as writer:
        for rows in commits:
            writer.append(batch_of(rows))
            writer.flush()
        if judged:
            table = pa.Table.from_batches(list(corpus.scan()))
            writer.put_verdicts("hand", POLICY.digest, POLICY.yaml, judge(table, POLICY))
    return Corpus.open(folder)


def batch_of(rows: Sequence[Made]) -> pa.RecordBatch:
    """Return rows as a teacher's stages leave them."""
    scores = [pa.field(name, pa.float64()) for name in (*_FIGURES, "cer")]
    schema = pa.schema([*UTTERANCE_SCHEMA, *LINEAGE_FIELDS, *scores])
    return pa.RecordBatch.from_pylist([_row(one) for one in rows], schema=schema)


def id_of(name: str) -> str:
    """Return the id of a row by its name."""
    return Request(replace(NEUTRAL, text=name), "canned", "canned-1", 0).identified().request_id


def _row(made: Made) -> dict[str, Any]:
    figures = dict.fromkeys(_FIGURES) if made.levels is None else _moved(made)
    return (
        asdict(made.prompt)
        | figures
        | made.figures
        | {
            "request_id": id_of(made.name),
            "prompt_id": made.prompt.prompt_id,
            "teacher": made.teacher,
            "teacher_fingerprint": made.teacher,
            "seed": 0,
            "duration_s": 1.0,
            "sample_rate": 24000,
            "attempts": 1,
            "wall_s": 0.5,
            "device_s": 0.5,
            "parent_id": made.parent and id_of(made.parent),
            "edit": made.edit,
            "cer": 0.0 if made.accepted else 0.5,
        }
    )


def _moved(made: Made) -> dict[str, float]:
    """Return the figures of speech that lies so many levels from neutral."""
    direction = DIRECTIONS.get(made.prompt.emotion)
    step = (0.0, 0.0, 0.0, 0.0) if direction is None else astuple(direction)
    if made.prompt.speed_level:
        sign = 1 if made.prompt.speed_level > 0 else -1
        step = (0.0, 0.0, 0.0, sign * SPEED_LEVEL_OCTAVES)
    pitch, wide, loud, fast = ((made.levels or 0.0) * part for part in step)
    return {
        "f0_mean_hz": 200.0 * 2 ** (pitch / 12),
        "f0_range_st": 6.0 * 2**wide,
        "energy_db": -23.0 + loud,
        "pace": 2**fast,
    }
