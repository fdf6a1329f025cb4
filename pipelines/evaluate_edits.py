"""How often an edit moves what it should, applied once and again, and what it costs.

Systems make the same chains of edits: the teacher (its recordings), the teacher's after codes and
decoder (all that the codec can carry), and a student, which hears the source and then itself. Each
step is measured against the source of its chain and against the step before, as levels along the
direction of its edit (``filters/margins.py``): all say one text, so what differs is how. Shares are
of all chains: one that broke off, or whose pitch cannot be heard, has not moved.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lauter.datasets.codes import Codes
from lauter.datasets.edits import SPEED, Edit
from lauter.datasets.errors import UsageError
from lauter.datasets.identity import digest
from lauter.filters.margins import SPEED_LEVEL_OCTAVES, Movement, emotion_margin
from lauter.pipelines.edit_chains import EditStep
from lauter.pipelines.evaluate import Evaluation, Measured, evaluate
from lauter.pipelines.evaluation_items import Item
from lauter.pipelines.evaluation_systems import (
    STUDENT,
    Resynthesis,
    Spoken,
    System,
)
from lauter.pipelines.score import ScorerFactory
from lauter.student.edit import EditRequest, check_edit, edited
from lauter.student.evaluation import Bootstrap, Estimate, Ratio
from lauter.student.speak import Student

CLEARLY: Final = 0.25
"""Of a level: what moved less may have moved by chance."""
BROKEN_OFF: Final = "broken off"
"""Failure of a step after one that failed."""
_POSITIVE: Final = ("f0_mean_hz", "f0_range_st", "speech_s")
_NEEDED: Final = ("level", "vad", "prosody")
"""Scorers without which nothing is seen to move."""


@dataclass(frozen=True, slots=True)
class EditFigures:
    """What a system's edit did after ``number`` passes, over all chains.

    ``moved`` and ``clearly`` are the shares that moved from the source as asked at all, and by a
    quarter of a level; ``moved_on`` and ``clearly_on`` from the pass before. ``levels`` is the mean
    movement from the source, in levels. Step 0 is the source: there is no movement yet.
    """

    number: int
    moved: Estimate | None
    clearly: Estimate | None
    moved_on: Estimate | None
    clearly_on: Estimate | None
    levels: Estimate | None
    cer: Estimate | None
    speaker_similarity: Estimate | None
    failures: Mapping[str, int]


@dataclass(frozen=True)
class EditReport:
    """Figures by edit and system, by the number of passes; and who measured."""

    figures: Mapping[str, Mapping[str, Sequence[EditFigures]]]
    scorers: Mapping[str, str]
    chains: Mapping[str, int]


class StudentEdits:
    """A student that edits: at first what it hears, then what it said itself."""

    name = STUDENT

    def __init__(self, student: Student, edits: Sequence[Edit], seed: int = 0) -> None:
        """Raise ``UsageError`` where it has not learnt one of the ``edits`` it will be asked."""
        for edit in edits:
            check_edit(student, edit)
        self._student = student
        self._seed = seed
        self._voices = Resynthesis(student.codec, seed)
        self._codes: dict[EditStep, Codes | None] = {}

    def speak(self, items: Sequence[Item]) -> list[Spoken]:
        """Return each step; those before it must have been asked before, or stand before it."""
        steps = [item for item in items if isinstance(item, EditStep)]
        spoken: dict[EditStep, Spoken] = {}
        for number in sorted({step.number for step in steps}):
            together = [step for step in steps if step.number == number]
            spoken |= self._sources(together) if number == 0 else self._edited(together)
        return [spoken[step] for step in steps]

    def _sources(self, steps: Sequence[EditStep]) -> dict[EditStep, Spoken]:
        said = self._voices.speak(steps)
        for step, one in zip(steps, said, strict=True):
            self._codes[step] = None if one.failure else self._heard(step)
        return dict(zip(steps, said, strict=True))

    def _heard(self, step: EditStep) -> Codes | None:
        if step.recording is None:
            return None
        clip = step.recording
        return self._student.codec.encode([clip.samples], [clip.sample_rate])[0]

    def _edited(self, steps: Sequence[EditStep]) -> dict[EditStep, Spoken]:
        rate = self._student.codec.sample_rate
        requests = {step: request for step in steps if (request := self._request(step))}
        said = edited(self._student, list(requests.values()))
        spoken = {step: Spoken(None, rate, BROKEN_OFF, None) for step in steps}
        for step, one in zip(requests, said, strict=True):
            spoken[step] = Spoken(one.samples, one.sample_rate, one.failure, one.seconds)
            self._codes[step] = None if one.failure else one.codes
        return spoken

    def _request(self, step: EditStep) -> EditRequest | None:
        codes = self._codes.get(step.before) if step.before else None
        timbre = self._voices.timbre_of(step)
        if codes is None or isinstance(timbre, str):
            return None
        name = f"{self._seed} {step.edit} {step.number} {step.request.request_id}"
        seed = int(digest("lauter.edit_evaluation.v1", name)[:15], 16)
        return EditRequest(codes, step.request.prompt.text, step.edit, timbre, seed)


def evaluate_edits(
    chains: Sequence[Sequence[EditStep]],
    systems: Sequence[System],
    open_scorers: Sequence[ScorerFactory],
    *,
    bootstrap: Bootstrap,
    batch_size: int = 8,
    on_steps: Callable[[int, int], None] | None = None,
) -> EditReport:
    """Let every system make every step of the chains, and say what moved.

    Raises ``UsageError`` where a scorer is missing that sees movement, and as ``evaluate`` does.
    """
    # Step by step over all chains, as a student's next pass begins with what it said in the last.
    steps = sorted((step for chain in chains for step in chain), key=lambda step: step.number)
    found = evaluate(steps, systems, open_scorers, batch_size=batch_size, on_texts=on_steps)
    missing = [name for name in _NEEDED if name not in found.scorers]
    if missing:
        raise UsageError(
            f"the filters have no scorer '{missing[0]}', without which no movement is seen; "
            "set filters=default"
        )
    return EditReport(
        _figures(found, bootstrap),
        found.scorers,
        {str(edit): sum(chain[0].edit == edit for chain in chains) for edit in _edits(steps)},
    )


def _edits(steps: Sequence[EditStep]) -> list[Edit]:
    return list(dict.fromkeys(step.edit for step in steps))


def _figures(found: Evaluation, bootstrap: Bootstrap) -> dict[str, dict[str, list[EditFigures]]]:
    figures: dict[str, dict[str, list[EditFigures]]] = {}
    for system, measured in found.systems.items():
        of_step = {one.item: one for one in measured if isinstance(one.item, EditStep)}
        for edit in _edits(list(of_step)):
            numbers = sorted({step.number for step in of_step if step.edit == edit})
            figures.setdefault(str(edit), {})[system] = [
                _of_number(
                    [step for step in of_step if (step.edit, step.number) == (edit, number)],
                    of_step,
                    bootstrap,
                )
                for number in numbers
            ]
    return figures


def _of_number(
    steps: Sequence[EditStep], of_step: Mapping[EditStep, Measured], bootstrap: Bootstrap
) -> EditFigures:
    measured = [of_step[step] for step in steps]
    from_source = [_levels(step.edit, of_step[step.source], of_step[step]) for step in steps]
    from_before = [
        _levels(step.edit, of_step[step.before], of_step[step]) if step.before else None
        for step in steps
    ]
    is_source = steps[0].number == 0

    def share(levels: Sequence[float | None], least: float) -> Estimate | None:
        if is_source:
            return None
        # Above nothing, or at least so much; what was not seen to move has not moved.
        moved = [level is not None and level > 0 and level >= least for level in levels]
        return bootstrap.estimate(Ratio.mean([float(one) for one in moved]))

    def mean(values: Sequence[float | None]) -> Estimate | None:
        there = [value for value in values if value is not None]
        return bootstrap.estimate(Ratio.mean(there)) if there else None

    heard = [one for one in measured if one.applicable]
    failures = [one.failure for one in measured if one.failure]
    return EditFigures(
        number=steps[0].number,
        moved=share(from_source, 0.0),
        clearly=share(from_source, CLEARLY),
        moved_on=share(from_before, 0.0),
        clearly_on=share(from_before, CLEARLY),
        levels=None if is_source else mean(from_source),
        cer=bootstrap.estimate(
            Ratio.of([one.edits for one in heard], [one.characters for one in heard])
        )
        if heard
        else None,
        speaker_similarity=mean([one.figures.get("speaker_similarity") for one in measured]),
        failures={kind: failures.count(kind) for kind in sorted(set(failures))},
    )


def _levels(edit: Edit, before: Measured, after: Measured) -> float | None:
    """Return by how many levels speech moved as its edit asks; None where that cannot be seen."""
    moved = movement(before.figures, after.figures)
    if moved is None or before.failure or after.failure:
        return None
    return levels_moved(moved, edit)


def movement(before: Mapping[str, float], after: Mapping[str, float]) -> Movement | None:
    """Return how the figures of one text, said twice, differ; None where a pitch is missing."""
    both = (before, after)
    is_seen = all(figures.get(name, 0.0) > 0 for name in _POSITIVE for figures in both)
    if not is_seen or any("energy_db" not in figures for figures in both):
        return None

    def octaves(name: str) -> float:
        return math.log2(after[name] / before[name])

    return Movement(
        pitch_st=12 * octaves("f0_mean_hz"),
        range_octaves=octaves("f0_range_st"),
        energy_db=after["energy_db"] - before["energy_db"],
        rate_octaves=-octaves("speech_s"),
    )


def levels_moved(moved: Movement, edit: Edit) -> float | None:
    """Return a movement along an edit's direction in levels; None where it has none."""
    if edit.what == SPEED:
        rate = moved.rate_octaves
        return None if rate is None else edit.direction * rate / SPEED_LEVEL_OCTAVES
    margin = emotion_margin(moved, edit.what, 1, 0)
    return None if margin is None else edit.direction * margin
