"""`lauter preview`: a handful of requests through the whole pipeline, shown and playable."""

import shutil
from pathlib import Path

from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError
from lauter.datasets.marked_rows import Marker
from lauter.datasets.records import REQUEST_SCHEMA
from lauter.orchestration.audit.page import write_page
from lauter.orchestration.durations import length_of_time
from lauter.orchestration.making import check_refusals, make_job, make_plan, make_teacher
from lauter.orchestration.pricing import prices_of
from lauter.orchestration.progress import speech_progress
from lauter.orchestration.tables import print_refused
from lauter.pipelines.cost import Prices
from lauter.pipelines.plan import Plan
from lauter.pipelines.summary import Summary
from lauter.pipelines.synthesize import kept, synthesize


def run(settings: DictConfig, console: Console) -> int:
    """Speak a few requests spread over the plan; print them and write their sounds and page."""
    folder = Path(settings.preview.folder)
    if folder.exists() and not (folder / "corpus" / "corpus.json").exists():
        raise UsageError(f"{folder} has other content; set preview.folder to a new folder")
    open_teacher, teacher = make_teacher(settings)
    job = make_job(settings, open_teacher, teacher)
    planned = make_plan(settings, teacher)
    print_refused(console, planned.refused)
    check_refusals(planned, settings.on_refusal)
    shutil.rmtree(folder, ignore_errors=True)
    count = min(settings.preview.count, planned.requests.num_rows)
    spread = [number * planned.requests.num_rows // count for number in range(count)]
    few = Plan(planned.requests.take(spread), planned.refused)
    corpus = Corpus.create(folder / "corpus")
    with kept(job, teacher), speech_progress(console) as progress:
        synthesize(job, few, teacher, corpus, on_start=progress.start, on_batch=progress.advance)
    _show(corpus, folder, console)
    page = folder / "preview.html"
    prices = prices_of(settings)
    facts = write_page(page, corpus, job.policy, count, prices)
    console.print(f"play them: {page}, or the FLAC files in {folder}", soft_wrap=True)
    whole = planned.requests.num_rows
    console.print(_foreseen(facts.summary, whole, prices), soft_wrap=True)
    return 0


def _foreseen(seen: Summary, requests: int, prices: Prices) -> str:
    """Return what the whole plan would take if all of it were like what was previewed."""
    times = requests / seen.asked
    worker_s = sum(seen.stage_seconds.values())
    return (
        f"all {requests} requests of the plan, if they are like these {seen.asked}: "
        f"about {length_of_time(times * seen.spoken_s)} of speech in "
        f"{length_of_time(times * worker_s)} of a worker's time, "
        f"{times * seen.cost(prices):.2f} {prices.currency}"
    )


def _show(corpus: Corpus, folder: Path, console: Console) -> None:
    table = Table(title="Preview", title_justify="left")
    for name in ("file", "dialect", "speaker", "manner", "text", "verdict"):
        table.add_column(name)
    columns = [*REQUEST_SCHEMA.names, "audio", "error"]
    number, marker = 0, Marker.of(corpus)
    for batch in corpus.scan_judged(columns):
        for row in batch.to_pylist():
            number += 1
            name = f"{number:02d}.flac"
            if row["audio"]:
                (folder / name).write_bytes(marker.audible(row))
            failed = ", ".join(gate["gate"] for gate in row["failed_gates"])
            manner = f"{row['emotion']} {row['emotion_level'] or ''} {row['style']}"
            table.add_row(
                name if row["audio"] else "-", row["dialect"], row["speaker"], manner,
                row["text"], "accepted" if row["accepted"] else failed,
            )  # fmt: skip
    console.print(table)
