"""What an evaluation of edits prints, and its curves: what share moved after so many passes."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from lauter.orchestration.evaluation.tables import counted, shown, with_interval
from lauter.orchestration.scaling.chart import Axis, Series, chart, standalone
from lauter.pipelines.evaluate_edits import CLEARLY, EditFigures, EditReport
from lauter.pipelines.evaluation_systems import RESYNTHESIS, STUDENT, TEACHER
from lauter.student.evaluation import Estimate

_COLOURS = {TEACHER: "yes", RESYNTHESIS: "soft", STUDENT: "mark"}
_COLUMNS = (
    "system", "passes", "moved %", f"by {CLEARLY:g} level %", "levels", "moved on %",
    f"on by {CLEARLY:g} %", "CER %", "similarity", "failed",
)  # fmt: skip


def print_edits(console: Console, report: EditReport, device: str) -> None:
    """Print a table for each edit: its systems, pass by pass."""
    for edit, systems in report.figures.items():
        table = Table(
            title=f"{edit}, {report.chains[edit]} texts: moved from the source, and on from the "
            f"pass before, with 95 % intervals in brackets; on {device}",
            title_justify="left",
        )
        for heading in _COLUMNS:
            table.add_column(heading, justify="left" if heading == "system" else "right")
        for system, passes in systems.items():
            for one in passes:
                table.add_row(system, str(one.number), *_cells(one))
        console.print(table)


def _cells(one: EditFigures) -> list[str]:
    # Shares are read in percent, as error rates are. All intervals stand in the JSON.
    return [
        _plain("cer", one.moved),
        with_interval("cer", one.clearly),
        _plain("levels", one.levels, signed=True),
        _plain("cer", one.moved_on),
        _plain("cer", one.clearly_on),
        with_interval("cer", one.cer),
        _plain("speaker_similarity", one.speaker_similarity),
        counted(one.failures),
    ]


def _plain(name: str, estimate: Estimate | None, *, signed: bool = False) -> str:
    return "-" if estimate is None else shown(name, estimate.value, signed=signed)


def curve(edit: str, systems: Mapping[str, Sequence[EditFigures]]) -> str:
    """Return an SVG of the share that moved clearly from the source, by the number of passes."""
    series = []
    most = 1
    for system, passes in systems.items():
        seen = [(one.number, one.clearly) for one in passes if one.clearly is not None]
        most = max([most, *(number for number, _ in seen)])
        series.append(
            Series(
                system,
                _COLOURS.get(system, "no"),
                tuple((float(number), 100 * share.value) for number, share in seen),
                tuple((100 * share.low, 100 * share.high) for _, share in seen),
            )
        )
    axes = Axis("passes", 0.5, most + 0.5), Axis(f"moved {CLEARLY:g} level or more, %", 0.0, 100.0)
    told = f"share of utterances that {edit} moved clearly from their source, by passes"
    return standalone(chart(series, *axes, told=told))
