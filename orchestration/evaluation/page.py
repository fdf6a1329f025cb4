"""The evaluation page: what each system made of the same texts, side by side, to be heard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lauter.orchestration.audit.alignment import Piece, aligned
from lauter.orchestration.evaluation.marked_sound import marked_sound
from lauter.orchestration.evaluation.tables import (
    COLUMNS,
    counted,
    figures_shown,
    shown,
    sliced_figures,
    with_interval,
)
from lauter.orchestration.single_page import generator_mark, render
from lauter.pipelines.evaluate import Evaluation, Measured
from lauter.pipelines.evaluation_report import Report
from lauter.student.evaluation import Estimate

MARK: Final = generator_mark("evaluation")
"""By this the page is known as ours."""
_HERE = Path(__file__).parent
_AUDIT = _HERE.parent / "audit"


@dataclass(frozen=True, eq=False)
class Voice:
    """What one system made of a text, and how what was heard differs from it.

    ``sound`` is its FLAC with its mark.
    """

    system: str
    measured: Measured
    sound: bytes | None
    compared: list[Piece]


@dataclass(frozen=True, eq=False)
class Shown:
    """A text and its voices, in the order of the systems."""

    prompt: Any
    request_id: str
    voices: list[Voice]


def evaluation_page(
    report: Report,
    evaluation: Evaluation,
    *,
    samples: int,
    fingerprints: Mapping[str, Any],
    device: str,
) -> str:
    """Return the page as HTML, with ``samples`` of the worst texts and of a fair sample."""
    worst, fair = chosen(evaluation, samples)
    return render(
        "evaluation.html",
        _HERE,
        _AUDIT,
        filters={"interval": with_interval, "shown": shown, "counted": counted},
        report=report,
        columns=COLUMNS,
        names=figures_shown(report),
        sliced=sliced_figures(report),
        bars=_bars(report),
        worst=[_shown(evaluation, position, fingerprints) for position in worst],
        fair=[_shown(evaluation, position, fingerprints) for position in fair],
        fingerprints={**fingerprints, **evaluation.scorers},
        score_errors=evaluation.score_errors,
        device=device,
    )


def chosen(evaluation: Evaluation, samples: int) -> tuple[list[int], list[int]]:
    """Return the places of the worst texts, the worst first, and of a fair sample of the others.

    Worst are those in which the last system, the student, failed or made the most errors for a
    character. Ids are digests, so the smallest ones are a fair sample, the same on every run.
    """
    measured = list(evaluation.systems.values())[-1]
    places = range(len(measured))
    wrong = [p for p in places if measured[p].failure or _has_mistakes(measured[p])]
    wrong.sort(key=lambda p: (not measured[p].failure, -measured[p].cer, _id(measured[p])))
    worst = wrong[:samples]
    rest = sorted(set(places) - set(worst), key=lambda p: _id(measured[p]))
    return worst, rest[:samples]


def _has_mistakes(measured: Measured) -> bool:
    return measured.applicable and measured.edits > 0


def _id(measured: Measured) -> str:
    return measured.item.request.request_id


def _shown(evaluation: Evaluation, position: int, fingerprints: Mapping[str, Any]) -> Shown:
    voices = []
    for system, measured in evaluation.systems.items():
        one = measured[position]
        prompt = one.item.request.prompt
        compared = aligned(prompt.text, one.transcript, prompt.language)
        sound = marked_sound(system, one, fingerprints)
        voices.append(Voice(system, one, sound, compared))
    first = voices[0].measured
    return Shown(first.item.request.prompt, _id(first), voices)


def _bars(report: Report) -> dict[str, tuple[float, float, float]]:
    """Return each system's CER and its interval in percent of the widest one's end."""
    estimates: Sequence[Estimate] = [one.figures["cer"] for one in report.systems.values()]
    widest = max(max(estimate.high for estimate in estimates), 1e-9)
    return {
        system: (
            100 * estimate.value / widest,
            100 * estimate.low / widest,
            100 * (estimate.high - estimate.low) / widest,
        )
        for system, estimate in zip(report.systems, estimates, strict=True)
    }
