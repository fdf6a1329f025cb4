"""From measured utterances to figures: systems, their differences, slices and the verdict."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from lauter.datasets.errors import UsageError
from lauter.pipelines.evaluate import Evaluation, Measured
from lauter.pipelines.evaluation_systems import STUDENT
from lauter.student.evaluation import Bootstrap, Difference, Estimate, Ratio, Verdict

SLICED_BY: Final = ("language", "dialect", "emotion", "style", "speed_level", "speaker")
MOST_SLICES: Final = 40
"""Of an axis with more values (a voice a text) no slices are made."""
MEANS: Final = ("speaker_similarity", "mos", "emotion_margin", "speed_margin")
"""Scores that are averaged."""
FEW: Final = 30
"""With fewer texts an interval is a rough one."""


@dataclass(frozen=True, slots=True)
class SystemFigures:
    """One system: rates and means by name with their intervals, and what went wrong how often.

    ``figures`` has only what could be measured. ``failures`` counts utterances that were no
    answer, ``faults`` those that were heard to be broken, both by kind.
    """

    texts: int
    edits: int
    characters: int
    figures: Mapping[str, Estimate]
    failures: Mapping[str, int]
    faults: Mapping[str, int]

    @property
    def failed(self) -> int:
        """How many utterances were no answer."""
        return sum(self.failures.values())


@dataclass(frozen=True, slots=True)
class Comparison:
    """One system less another by figure, on the same texts; and how many times its CER is.

    ``cer_ratio`` is None where the other made no error.
    """

    system: str
    against: str
    differences: Mapping[str, Difference]
    cer_ratio: float | None


@dataclass(frozen=True, slots=True)
class Slice:
    """Each system's figures over the texts whose ``axis`` has a value: the CER, and the means.

    ``difference`` is the student's CER less that of the system that the verdict is against.
    """

    axis: str
    value: str
    texts: int
    systems: Mapping[str, Mapping[str, Estimate]]
    difference: Difference | None


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of an evaluation; ``verdict`` is None where there was nothing to hold against.

    ``not_heard`` counts texts by dialect that the recogniser may not judge: they are in no rate.
    """

    texts: int
    systems: Mapping[str, SystemFigures]
    comparisons: Sequence[Comparison]
    slices: Sequence[Slice]
    verdict: Verdict | None
    not_heard: Mapping[str, int]
    bootstrap: Bootstrap

    @property
    def is_small(self) -> bool:
        """So few texts that intervals are rough."""
        return self.texts - sum(self.not_heard.values()) < FEW


def report(
    evaluation: Evaluation, *, against: str | None, margin: float, bootstrap: Bootstrap
) -> Report:
    """Return the figures of an evaluation.

    ``against`` names the system that the student is to be no worse than (None: no verdict).
    Raises ``UsageError`` where no text can be judged or that system did not take part.
    """
    systems = evaluation.systems
    check_against(against, systems)
    first = next(iter(systems.values()))
    not_heard = Counter(m.item.request.prompt.dialect for m in first if not m.applicable)
    if not_heard.total() == len(first):
        raise UsageError(
            f"the recogniser knows none of the dialects {', '.join(sorted(not_heard))}; "
            "configure one that does (filters), or choose other texts"
        )
    pairs = [(later, earlier) for earlier, later in combinations(systems, 2)]
    return Report(
        texts=len(first),
        systems={name: system_figures(rows, bootstrap) for name, rows in systems.items()},
        comparisons=[_comparison(systems, *pair, bootstrap) for pair in pairs],
        slices=_slices(systems, against, bootstrap),
        verdict=_verdict(systems, against, margin, bootstrap),
        not_heard=dict(sorted(not_heard.items())),
        bootstrap=bootstrap,
    )


def check_against(against: str | None, systems: Iterable[str]) -> None:
    """Raise ``UsageError`` where the student cannot be held against a system of these."""
    others = [name for name in systems if name != STUDENT]
    if against is not None and (against not in others or STUDENT not in systems):
        raise UsageError(
            f"evaluate.against is '{against}', which is not among the systems that the student is "
            f"evaluated with; choose {' or '.join(others) or 'null'}"
        )


_Sides = tuple[float, float] | None
"""Part and whole of one utterance; None where a figure is not applicable."""


def _cer(one: Measured) -> _Sides:
    return (one.edits, one.characters) if one.applicable else None


def _wer(one: Measured) -> _Sides:
    return (one.word_edits, one.words) if one.applicable and one.words else None


def _real_time_factor(one: Measured) -> _Sides:
    if one.duration_s is None or one.seconds is None:
        return None
    return one.seconds, one.duration_s


def _score(name: str) -> Callable[[Measured], _Sides]:
    def sides(one: Measured) -> _Sides:
        figure = one.figures.get(name)
        return None if figure is None else (figure, 1.0)

    return sides


_COMPARED: Final[Mapping[str, Callable[[Measured], _Sides]]] = {
    "cer": _cer,
    "wer": _wer,
    **{name: _score(name) for name in MEANS},
}
_FIGURES: Final[Mapping[str, Callable[[Measured], _Sides]]] = {
    **_COMPARED,
    "real_time_factor": _real_time_factor,
}


def system_figures(rows: Sequence[Measured], bootstrap: Bootstrap) -> SystemFigures:
    """Return the figures of one system from what was measured of it."""
    judged = [one for one in rows if one.applicable]
    return SystemFigures(
        len(rows),
        sum(one.edits for one in judged),
        sum(one.characters for one in judged),
        _estimates(rows, _FIGURES, bootstrap),
        _counted(one.failure for one in rows),
        _counted(one.fault for one in rows),
    )


def _estimates(
    rows: Sequence[Measured],
    wanted: Mapping[str, Callable[[Measured], _Sides]],
    bootstrap: Bootstrap,
) -> dict[str, Estimate]:
    """Return those of the wanted figures that some utterance has."""
    found = {}
    for name, sides_of in wanted.items():
        sides = [one for one in map(sides_of, rows) if one is not None]
        if sides:
            found[name] = bootstrap.estimate(_ratio(sides))
    return found


def _ratio(sides: Sequence[tuple[float, float]]) -> Ratio:
    parts, wholes = zip(*sides, strict=True)
    return Ratio.of(parts, wholes)


def _counted(kinds: Iterable[str | None]) -> dict[str, int]:
    return dict(sorted(Counter(kind for kind in kinds if kind is not None).items()))


def _comparison(
    systems: Mapping[str, Sequence[Measured]], system: str, against: str, bootstrap: Bootstrap
) -> Comparison:
    pairs = list(zip(systems[system], systems[against], strict=True))
    differences = {}
    cer_ratio = None
    for name, sides_of in _COMPARED.items():
        sides = [
            (ours, theirs)
            for one, other in pairs
            if (ours := sides_of(one)) is not None and (theirs := sides_of(other)) is not None
        ]
        if sides:
            of_system, of_other = (_ratio(side) for side in zip(*sides, strict=True))
            differences[name] = bootstrap.difference(of_system, of_other)
            if name == "cer" and of_other.value:
                cer_ratio = of_system.value / of_other.value
    return Comparison(system, against, differences, cer_ratio)


def _slices(
    systems: Mapping[str, Sequence[Measured]], against: str | None, bootstrap: Bootstrap
) -> list[Slice]:
    prompts = [one.item.request.prompt for one in next(iter(systems.values()))]
    found = []
    for axis in SLICED_BY:
        values = [str(getattr(prompt, axis)) for prompt in prompts]
        if 1 < len(set(values)) <= MOST_SLICES:
            for value in sorted(set(values)):
                chosen = [place for place, its_own in enumerate(values) if its_own == value]
                of_slice = {name: [rows[i] for i in chosen] for name, rows in systems.items()}
                found.append(_slice(axis, value, of_slice, against, bootstrap))
    return found


def _slice(
    axis: str,
    value: str,
    systems: Mapping[str, Sequence[Measured]],
    against: str | None,
    bootstrap: Bootstrap,
) -> Slice:
    figures = {name: _estimates(rows, _COMPARED, bootstrap) for name, rows in systems.items()}
    difference = None
    if against is not None:
        compared = _comparison(systems, STUDENT, against, bootstrap)
        difference = compared.differences.get("cer")
    return Slice(axis, value, len(systems[next(iter(systems))]), figures, difference)


def _verdict(
    systems: Mapping[str, Sequence[Measured]],
    against: str | None,
    margin: float,
    bootstrap: Bootstrap,
) -> Verdict | None:
    if against is None:
        return None
    compared = _comparison(systems, STUDENT, against, bootstrap)
    return Verdict(against, margin, compared.differences["cer"])
