"""`lauter plan`: what would be asked and refused, and, after a small pilot, what it will cost."""

import json

from omegaconf import DictConfig
from rich.console import Console

from lauter.datasets.corpus import Corpus
from lauter.datasets.location import location_of, write_whole
from lauter.orchestration.account import FORECAST, asked_of, print_forecast
from lauter.orchestration.leave import leave_of
from lauter.orchestration.making import (
    check_refusals,
    make_draw,
    make_job,
    make_teacher,
    plan_of,
)
from lauter.orchestration.pricing import prices_of
from lauter.orchestration.progress import speech_progress
from lauter.orchestration.run_record import RunRecord
from lauter.orchestration.tables import print_counts, print_refused
from lauter.pipelines.forecast import forecast
from lauter.pipelines.ledger import read_along, read_ledger
from lauter.pipelines.synthesize import kept, synthesize


def run(settings: DictConfig, console: Console) -> int:
    """Plan, compare with the corpus if there is one, and print the counts."""
    open_teacher, teacher = make_teacher(settings)
    draw, refused = make_draw(settings, teacher)
    leave = leave_of(settings)
    planned = plan_of(draw, refused, teacher, draw.within_capacity(), settings.seed, leave)
    pending = planned.requests
    if location_of(settings.corpus).exists():
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
    if not settings.plan.pilot:
        return 0
    record = RunRecord("plan", settings)
    job = make_job(settings, open_teacher, teacher)
    few = {cell: min(count, settings.plan.pilot) for cell, count in draw.within_capacity().items()}
    corpus = Corpus.create(settings.corpus, exist_ok=True)
    pilot = plan_of(draw, refused, teacher, few, settings.seed, leave)
    with kept(job, teacher), speech_progress(console, "pilot") as progress:
        synthesize(job, pilot, teacher, corpus, on_start=progress.start, on_batch=progress.advance)
    prices = prices_of(settings)
    ledger = read_ledger(corpus, draw.counts, job.policy.digest, prices)
    along = read_along(corpus, draw.counts, job.policy.digest) if draw.chains else None
    foretold = forecast(ledger, draw.counts, prices, along=along, seed=settings.seed)
    content = foretold.as_dict() | {"for": asked_of(draw, job.policy.digest)}
    write_whole(corpus.path / FORECAST, json.dumps(content, indent=2) + "\n")
    record.count(corpus, job.policy)
    record.facts["forecast"] = content
    record.write(corpus.path)
    print_forecast(console, foretold)
    return 0
