"""What filling quotas came to: cell by cell, and the forecast held against the outcome."""

import json
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from lauter.datasets.corpus import Corpus
from lauter.datasets.identity import content_id
from lauter.datasets.prompts.quotas import Draw
from lauter.orchestration.durations import length_of_time
from lauter.pipelines.cost import Prices, Spent
from lauter.pipelines.forecast import Forecast, Range
from lauter.pipelines.top_up import MET, Account

FORECAST: Final = "forecast.json"


def asked_of(draw: Draw, policy: str) -> str:
    """Return a digest of the quotas and the policy, so that no forecast is held to other ones."""
    counts = {str(cell): count for cell, count in draw.counts.items()}
    return content_id("lauter.quotas.v1", {"counts": counts, "policy": policy})


def read_forecast(corpus: Corpus, draw: Draw, policy: str) -> Forecast | None:
    """Return what `lauter plan` foretold of these quotas for a corpus, if it did."""
    place = corpus.path / FORECAST
    if not place.exists():
        return None
    read = json.loads(place.read_text(encoding="utf-8"))
    return Forecast.from_dict(read) if read.pop("for") == asked_of(draw, policy) else None


def held(foretold: Forecast, spent: Spent, prices: Prices) -> dict[str, Any]:
    """Return the forecast beside what it came to, and whether that lies within its bounds."""
    outcome = {
        "requests": float(spent.asked),
        "price": prices.of(spent.seconds),
        "device_hours": prices.device_hours(spent.seconds),
    }
    ranges: dict[str, Range] = {name: getattr(foretold, name) for name in outcome}
    return {
        "forecast": foretold.as_dict(),
        "outcome": outcome,
        "within": {name: ranges[name].holds(value) for name, value in outcome.items()},
    }


def print_forecast(console: Console, foretold: Forecast) -> None:
    """Print what filling the quotas is expected to take."""
    table = Table(
        title=f"Filling the quotas, foretold from {foretold.pilot} requests", title_justify="left"
    )
    for name in ("", "expected", "9 of 10 within"):
        table.add_column(name, justify="left" if not name else "right")
    for name, found, digits in (
        ("requests", foretold.requests, 0),
        (foretold.currency, foretold.price, 4),
        ("device hours", foretold.device_hours, 4),
    ):
        if found.high:
            within = f"{found.low:.{digits}f} to {found.high:.{digits}f}"
            table.add_row(name, f"{found.middle:.{digits}f}", within)
    console.print(table)
    console.print(f"accepted speech: {length_of_time(foretold.accepted_hours * 3600)}")


def print_account(console: Console, account: Account, prices: Prices) -> None:
    """Print what became of each cell."""
    table = Table(title="Quotas of accepted utterances", title_justify="left")
    for name in ("cell", "accepted", "asked (again)", "yield (90 %)", prices.currency):
        table.add_column(name, no_wrap=True, justify="left" if name == "cell" else "right")
    for one in account.cells:
        low, high = one.first.interval()
        full = f"{one.spent.accepted} of {one.wanted}"
        table.add_row(
            str(one.cell),
            full if one.state == MET else f"{full}, {one.state}",
            f"{one.spent.asked} ({one.again.asked})",
            f"{one.first.mean:.0%} ({low:.0%} to {high:.0%})",
            f"{prices.of(one.spent.seconds):.4f}",
        )
    console.print(table)
    met = sum(one.state == MET for one in account.cells)
    console.print(
        f"{met} of {len(account.cells)} quotas are full after {account.rounds} rounds and "
        f"{length_of_time(account.wall_s)}"
    )


def print_held(console: Console, compared: dict[str, Any]) -> None:
    """Print the forecast beside the outcome."""
    for name, value in compared["outcome"].items():
        found = compared["forecast"][name]
        if not found["high"]:
            continue
        where = "within" if compared["within"][name] else "outside"
        console.print(
            f"{name.replace('_', ' ')}: {value:.4g}, {where} the forecast "
            f"({found['middle']:.4g}, 9 of 10 within {found['low']:.4g} to {found['high']:.4g})"
        )
