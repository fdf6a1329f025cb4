"""The tables that the command line prints."""

from collections.abc import Mapping
from itertools import islice
from pathlib import Path

import pyarrow as pa
from rich.console import Console
from rich.table import Table

from lauter.datasets.location import Location
from lauter.orchestration.durations import length_of_time
from lauter.orchestration.run_record import newest_export
from lauter.pipelines.cost import Prices
from lauter.pipelines.summary import Summary


def print_summary(console: Console, summary: Summary, prices: Prices) -> None:
    """Print what was asked, spoken and accepted, why the rest was rejected, and what it cost."""
    table = Table(title="Asked, spoken, accepted", title_justify="left", show_footer=True)
    rate = f"{summary.accepted / summary.asked:.0%}" if summary.asked else "-"
    for name, footer, justify in (
        ("language", "all", "left"),
        ("dialect", "", "left"),
        ("emotion", "", "left"),
        ("asked", str(summary.asked), "right"),
        ("spoken", str(summary.spoken), "right"),
        ("accepted", str(summary.accepted), "right"),
        ("yield", rate, "right"),
    ):
        table.add_column(name, footer=footer, justify="right" if justify == "right" else "left")
    for cell in summary.cells:
        table.add_row(
            cell.language, cell.dialect, cell.emotion, str(cell.asked), str(cell.spoken),
            str(cell.accepted), f"{cell.yield_rate:.0%}",
        )  # fmt: skip
    console.print(table)
    if summary.rejections:
        print_counts(console, "Why the others were rejected (one row may fail several gates)",
                     "gate", summary.rejections)  # fmt: skip
    cost = summary.cost_per_accepted_hour(prices)
    devices = summary.device_hours_per_accepted_hour(prices)
    facts = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in (
        ("speech spoken", length_of_time(summary.spoken_s)),
        ("speech accepted", length_of_time(summary.accepted_s)),
        ("real-time factor of the teacher", f"{summary.real_time_factor:.2f} "
                                            "(seconds of its work for a second of speech)"),
        ("workers' time by stage", ", ".join(
            f"{stage} {seconds:.0f} s" for stage, seconds in summary.stage_seconds.items())),
        ("the stage that binds", summary.binding_stage or "-"),
        ("cost per accepted hour", f"{cost:.3f} {prices.currency}" if cost is not None else "-"),
        ("device hours per accepted hour", f"{devices:.4f}" if devices else ""),
    ):  # fmt: skip
        if value:
            facts.add_row(name, value)
    console.print(facts)
    failed = sum(summary.errors.values())
    for sentence, count in summary.common_errors.items():
        console.print(f"{count} of the {failed} that failed: {sentence}")
    if summary.not_measured:
        scorers = ", ".join(f"{name} ({count})" for name, count in summary.not_measured.items())
        console.print(f"spoken rows without figures, whose gates did not apply: {scorers}")


def print_places(console: Console, corpus: Location, page: Location | None = None) -> None:
    """Print where everything lies."""
    places = [("corpus", corpus), ("account of the last run", corpus / "run.json")]
    if export := newest_export(corpus):
        places.append(("accepted speech, exported", export))
    if page:
        places.append(("report, with sounds to play", page))
    width = max(len(name) for name, _ in places)
    for name, place in places:
        # Never folded, so that a path can be copied.
        console.print(f"{name:<{width}}  {_from_here(place)}", soft_wrap=True)


def _from_here(place: Location) -> Location:
    here = Path.cwd()
    if isinstance(place, Path) and place.is_relative_to(here):
        return place.relative_to(here)
    return place


def print_counts(console: Console, title: str, what: str, counts: Mapping[str, int]) -> None:
    """Print names and how often each occurred."""
    table = Table(title=title, title_justify="left")
    table.add_column(what)
    table.add_column("rows", justify="right")
    for name, count in counts.items():
        table.add_row(name, str(count))
    console.print(table)


def print_named(
    console: Console, sentence: str, reasons: Mapping[str, str], shown: int = 20
) -> None:
    """Print how many there are, where ``sentence`` has ``{}``; then each name and its reason."""
    if not reasons:
        return
    console.print(f"{sentence.format(len(reasons))}:")
    for name, reason in islice(reasons.items(), shown):
        console.print(f"  {name}: {reason}", soft_wrap=True)
    if len(reasons) > shown:
        console.print(f"  … and {len(reasons) - shown} more")


def print_refused(console: Console, refused: pa.Table, shown: int = 5) -> None:
    """Print the sentences that refused prompts, each once with its count."""
    if not refused.num_rows:
        return
    counts = refused.group_by("refusal").aggregate([("text", "count")])
    rows = sorted(counts.to_pylist(), key=lambda row: -row["text_count"])
    for row in rows[:shown]:
        console.print(f"refused {row['text_count']}: {row['refusal']}")
    if len(rows) > shown:
        console.print(f"… and {len(rows) - shown} more reasons")
