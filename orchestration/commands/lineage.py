"""`lauter lineage`: the page of a corpus's chains of edits, and the table."""

import json
from typing import Final

from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError
from lauter.datasets.location import location_of, write_whole
from lauter.orchestration.audit.intervals import Share
from lauter.orchestration.lineage.figures import (
    Kind,
    kinds_of,
    reasons,
    share_as_dict,
    total_monotone,
)
from lauter.orchestration.lineage.page import write_page
from lauter.orchestration.single_page import check_replaceable
from lauter.orchestration.tables import print_places
from lauter.pipelines.chains import MOVED, read_chains

_REPORT: Final = "Lauter lineage"
_MARK: Final = f'"report": "{_REPORT}"'.encode()
"""By this the figures are known as ours, and may be written over."""


def run(settings: DictConfig, console: Console) -> int:
    """Write the page under the policy that the corpus was last judged by, and its figures."""
    page = location_of(settings.lineage.page)
    beside = page.parent / f"{page.stem}.json"
    if beside == page:
        raise UsageError(f"lineage.page is {page}, where its figures go; name an HTML file")
    check_replaceable(beside, _MARK)
    corpus = Corpus.open(settings.corpus, version=settings.lineage.version)
    chains = read_chains(corpus)
    kinds = kinds_of(chains)
    with console.status("drawing"):
        write_page(page, corpus, chains, kinds, settings.lineage.chains)
    monotone = total_monotone(chains)
    figures = {
        "report": _REPORT,
        "digest": corpus.digest(),
        "policy": corpus.policies()[-1],
        "chains": len(chains),
        "monotone": share_as_dict(monotone),
        "kinds": [kind.as_dict() for kind in kinds],
        "rejected": dict(reasons(chains)),
    }
    write_whole(beside, json.dumps(figures, indent=2) + "\n")
    _print(console, kinds)
    console.print(
        f"{len(chains)} chains; of those with two accepted links or more, levels rise in "
        f"{_told(monotone)}"
    )
    print_places(console, corpus.path, page)
    return 0


def _print(console: Console, kinds: list[Kind]) -> None:
    table = Table(
        title="Chains of edits: accepted of asked, and how many rise", title_justify="left"
    )
    for name in ("edit", "dialect", "accepted by level", "rising"):
        table.add_column(name)
    for kind in kinds:
        rising = _told(kind.monotone[MOVED]) if MOVED in kind.monotone else "-"
        for number, (dialect, shares) in enumerate(kind.yields.items()):
            levels = "  ".join(f"{share.part}/{share.whole}" for share in shares)
            table.add_row(kind.name, dialect, levels, "" if number else rising)
    console.print(table)


def _told(share: Share) -> str:
    low, high = share.interval
    return (
        f"{share.part} of {share.whole} ({100 * share.rate:.0f} %, "
        f"95 % interval {100 * low:.0f} to {100 * high:.0f})"
    )
