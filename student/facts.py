"""What is told of a student beside its weights: how it reads, what it learnt from, whose voices."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from lauter.datasets.exported_voices import exported_voices
from lauter.datasets.text_tokens import TextTokenizer
from lauter.student.edit_examples import EditExamples, Task
from lauter.student.examples import Cell, SpokenExamples
from lauter.student.training_settings import TrainSettings

SPEAKERS: Final = "speakers"
"""The voices it has learnt by name."""
PEOPLE: Final = "people"
"""Whose voices these are, and of whom they are made, by speaker."""
CELLS: Final = "cells"
"""The languages, dialects and emotions of the speech it has learnt from."""
EDITS: Final = "edits"
"""The edits it has learnt, such as joy+1."""
REFERENCE_TURNS: Final = "reference_turns"
"""Whether it has learnt to go on from a recording."""
TIMBRES: Final = "timbres"
"""How its voices sound to the decoder, by speaker."""
TIMBRE_FINGERPRINT: Final = "timbre_fingerprint"
"""By which part of a codec they were heard."""


def facts_of(
    settings: TrainSettings,
    examples: SpokenExamples | EditExamples,
    cells: Sequence[Cell],
    tokenizer: TextTokenizer,
    before: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the facts of a student that learns from ``examples``, those of ``cells``.

    ``before`` are the facts of the student it began as (of new weights: none). What that had
    learnt, this one knows still: its voices, its dialects and emotions, to go on from a recording.
    """
    facts = {
        "preset": settings.preset,
        "tokenizer_fingerprint": tokenizer.fingerprint(),
        "codec_fingerprint": examples.codec_fingerprint,
        "teacher_fingerprint": examples.teacher_fingerprint,
        "data": {"samples": len(examples), "identity": f"{examples.identity:015x}"},
        SPEAKERS: sorted({*before.get(SPEAKERS, ()), *examples.speakers}),
        PEOPLE: before.get(PEOPLE, {}) | people_in(settings.data, examples.speakers),
        REFERENCE_TURNS: settings.batches.reference_share > 0 or before.get(REFERENCE_TURNS, False),
        "settings": settings.plain(),
    }
    # Who only learns to edit learns to say nothing.
    learnt = [] if settings.task == Task.EDIT else [cell._asdict() for cell in cells]
    if CELLS in before or not before:  # else it is not known what it had learnt
        known = before.get(CELLS, [])
        facts[CELLS] = known + [cell for cell in learnt if cell not in known]
    edits = examples.edits if isinstance(examples, EditExamples) else []
    facts[EDITS] = sorted({*before.get(EDITS, ()), *map(str, edits)})
    kept = {name: before[name] for name in (TIMBRES, TIMBRE_FINGERPRINT) if name in before}
    return facts | kept


def people_in(export: str, speakers: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the identity of speakers in an export, and the voices that they are made of."""
    return {
        voice.speaker: {"identity": voice.identity, "made_of": list(voice.made_of)}
        for voice in exported_voices(export)
        if voice.speaker in speakers
    }
