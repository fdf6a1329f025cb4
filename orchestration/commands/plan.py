"""`lauter plan`: what would be asked and what would be refused, without speaking."""

from pathlib import Path

from omegaconf import DictConfig
from rich.console import Console

from lauter.datasets.corpus import Corpus
from lauter.orchestration.making import check_refusals, make_plan, make_teacher
from lauter.orchestration.tables import print_counts, print_refused


def run(settings: DictConfig, console: Console) -> int:
    """Plan, compare with the corpus if there is one, and print the counts."""
    _, teacher = make_teacher(settings)
    planned = make_plan(settings, teacher)
    pending = planned.requests
    if Path(settings.corpus).exists():
        pending = Corpus.open(settings.corpus).pending(planned.requests)
    counts = planned.requests.group_by(["dialect", "emotion"]).aggregate([("text", "count")])
    by_cell = {
        f"{row['dialect']} {row['emotion']}": row["text_count"] for row in counts.to_pylist()
    }
    print_counts(console, "Requests by dialect and emotion", "cell", dict(sorted(by_cell.items())))
    print_refused(console, planned.refused)
    console.print(
        f"{planned.requests.num_rows} requests planned, "
        f"{planned.refused.num_rows} prompts refused; "
        f"{pending.num_rows} are not in {settings.corpus} yet"
    )
    check_refusals(planned, settings.on_refusal)
    return 0
