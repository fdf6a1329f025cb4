"""What `lauter evaluate` prints."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from lauter.pipelines.evaluation_report import Report
from lauter.student.evaluation import Estimate

COLUMNS: Mapping[str, str] = {
    "cer": "CER %",
    "wer": "WER %",
    "speaker_similarity": "similarity",
    "mos": "MOS",
    "emotion_margin": "emotion margin",
    "speed_margin": "speed margin",
    "real_time_factor": "real-time factor",
}
"""Figures by the name they are shown under."""
_IN_PERCENT = ("cer", "wer")


def shown(name: str, value: float, *, signed: bool = False) -> str:
    """Return a figure as it is read: rates in percent, others with two places."""
    sign = "+" if signed else ""
    return f"{100 * value:{sign}.1f}" if name in _IN_PERCENT else f"{value:{sign}.2f}"


def with_interval(name: str, estimate: Estimate | None, *, signed: bool = False) -> str:
    """Return a figure with its interval; a dash where it was not measured."""
    if estimate is None:
        return "-"
    value, low, high = (
        shown(name, figure, signed=signed)
        for figure in (estimate.value, estimate.low, estimate.high)
    )
    return f"{value} ({low} to {high})"


def counted(kinds: Mapping[str, int]) -> str:
    """Return how often each kind occurred, in words."""
    return ", ".join(f"{kind} {count}" for kind, count in kinds.items()) or "none"


def figures_shown(report: Report) -> list[str]:
    """Return the figures that at least one system has, in the order of ``COLUMNS``."""
    having = {name for figures in report.systems.values() for name in figures.figures}
    return [name for name in COLUMNS if name in having]


def print_report(console: Console, report: Report, device: str) -> None:
    """Print systems, their differences and slices, and what limits them."""
    names = figures_shown(report)
    table = Table(
        title=f"{report.texts} texts, with 95 % intervals; on {device}", title_justify="left"
    )
    table.add_column("system")
    for name in names:
        table.add_column(COLUMNS[name], justify="right")
    table.add_column("failed")
    table.add_column("heard broken")
    for system, figures in report.systems.items():
        table.add_row(
            system,
            *(with_interval(name, figures.figures.get(name)) for name in names),
            counted(figures.failures),
            counted(figures.faults),
        )
    console.print(table)
    _print_comparisons(console, report)
    _print_slices(console, report)
    if report.not_heard:
        console.print(
            f"in no error rate, since the recogniser does not know them: "
            f"{counted(report.not_heard)}"
        )
    if report.is_small:
        console.print("so few texts give rough intervals; 50 or more are worth a decision")


def _print_comparisons(console: Console, report: Report) -> None:
    compared = [name for name in figures_shown(report) if name != "real_time_factor"]
    if not report.comparisons:
        return
    table = Table(title="Differences on the same texts", title_justify="left")
    table.add_column("difference")
    for name in compared:
        table.add_column(COLUMNS[name], justify="right")
    table.add_column("times the CER", justify="right")
    for one in report.comparisons:
        table.add_row(
            f"{one.system} - {one.against}",
            *(with_interval(name, one.differences.get(name), signed=True) for name in compared),
            "-" if one.cer_ratio is None else f"{one.cer_ratio:.2f}",
        )
    console.print(table)


def sliced_figures(report: Report) -> list[str]:
    """Return what is shown by slice: the CER, and the margins where tags asked for them."""
    wanted = ("cer", "emotion_margin", "speed_margin")
    having = {
        name for piece in report.slices for figures in piece.systems.values() for name in figures
    }
    return [name for name in wanted if name in having]


def _print_slices(console: Console, report: Report) -> None:
    for name in sliced_figures(report):
        table = Table(title=f"{COLUMNS[name]} by slice", title_justify="left")
        for heading in ("axis", "value"):
            table.add_column(heading)
        table.add_column("texts", justify="right")
        for system in report.systems:
            table.add_column(system, justify="right")
        for piece in report.slices:
            estimates = [piece.systems[system].get(name) for system in report.systems]
            if any(estimates):
                told = [with_interval(name, estimate) for estimate in estimates]
                table.add_row(piece.axis, piece.value, str(piece.texts), *told)
        console.print(table)
