"""Edits speech that is there: a student hears a recording in codes and says it again, changed.

One edit is one step; to edit again is to let the student hear what it said itself, as codes, so
nothing is lost between passes but what the student loses. Sound is made of the codes of each pass,
in the timbre of the recording that was there first.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lauter.datasets.audio import Clip
from lauter.datasets.codes import Codes
from lauter.datasets.edits import Edit
from lauter.datasets.errors import UsageError
from lauter.datasets.layout import Ids, Reference, edit_words, speech_prompt
from lauter.datasets.speech_length import most_codes
from lauter.student.facts import EDITS
from lauter.student.speak import Spoken, Student

if TYPE_CHECKING:  # torch takes seconds to import
    from lauter.student.codec.codec import Timbre

LONGER = 2
"""How many times as long as its source edited speech may be."""


@dataclass(frozen=True, eq=False)
class EditRequest:
    """One edit of ``codes`` that say ``text``; what comes sounds in ``timbre``."""

    codes: Codes
    text: str
    edit: Edit
    timbre: "Timbre"
    seed: int = 0


def check_edit(student: Student, edit: Edit) -> None:
    """Raise ``UsageError`` where a student has not learnt an edit."""
    learnt = student.facts.get(EDITS, ())
    if str(edit) not in learnt:
        hint = f"it has learnt {', '.join(learnt)}" if learnt else "train one: distill.task=edit"
        raise UsageError(f"{student.name} has not learnt the edit {edit}; {hint}")


def edited(student: Student, requests: Sequence[EditRequest]) -> list[Spoken]:
    """Return, in order, what a student makes of each request; a failure is an answer, no error.

    Raises ``UsageError``, before anything is edited, for an edit that it has not learnt, a text
    that is empty, and a source that its context has no room for; ``InvalidCodesError`` for one
    whose codes are not valid, or none.
    """
    started = time.perf_counter()
    for edit in {request.edit for request in requests}:
        check_edit(student, edit)
    prompts = [_prompt(student, request) for request in requests]
    return student.answers(
        prompts,
        [request.timbre for request in requests],
        [request.seed for request in requests],
        [min(LONGER * len(one.codes), most_codes(one.text)) for one in requests],
        before_s=(time.perf_counter() - started) / max(1, len(requests)),
    )


def edited_again(
    student: Student, recording: Clip, text: str, edit: Edit, times: int, *, seed: int = 0
) -> list[Spoken]:
    """Return what comes of each of so many passes over a recording that says ``text``.

    The passes end with one that failed. Raises ``UsageError`` as ``edited`` does, and for a
    recording that is no speech.
    """
    codec = student.codec
    timbre = codec.timbre(recording.samples, recording.sample_rate)
    (codes,) = codec.encode([recording.samples], [recording.sample_rate])
    passes: list[Spoken] = []
    for number in range(times):
        (one,) = edited(student, [EditRequest(codes, text, edit, timbre, seed + number)])
        passes.append(one)
        if one.failure:
            break
        codes = one.codes
    return passes


def _prompt(student: Student, request: EditRequest) -> Ids:
    if not request.text.strip():
        raise UsageError("nothing says what is spoken there: the text is empty; give it")
    vocabulary, context = student.model.config.vocabulary, student.model.config.context
    source = Reference(request.text, request.codes, "the speech to edit")
    words = edit_words(request.edit) + request.text
    ids = speech_prompt(student.tokenizer, vocabulary, words, system="", reference=source)
    if len(ids) + len(request.codes) >= context:
        raise UsageError(
            f"speech of {len(request.codes)} codes and its text make {len(ids)} ids, and the "
            f"context of {student.name} is {context}, what comes of it included; edit a shorter "
            "piece"
        )
    return ids
