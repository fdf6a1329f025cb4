"""`lauter synthesize`: speak, score, judge and keep what the corpus does not have yet."""

from omegaconf import DictConfig
from rich.console import Console

from lauter.datasets.corpus import Corpus
from lauter.orchestration.making import check_refusals, make_job, make_plan, make_teacher
from lauter.orchestration.progress import speech_progress
from lauter.orchestration.run_record import RunRecord
from lauter.orchestration.tables import print_places, print_refused, print_summary
from lauter.pipelines.synthesize import synthesize


def run(settings: DictConfig, console: Console) -> int:
    """Run the main job and print its table."""
    record = RunRecord("synthesize", settings)
    open_teacher, teacher = make_teacher(settings)
    job = make_job(settings, open_teacher)
    planned = make_plan(settings, teacher)
    check_refusals(planned, settings.on_refusal)
    print_refused(console, planned.refused)
    corpus = Corpus.create(settings.corpus, exist_ok=True)
    with speech_progress(console) as progress:
        added = synthesize(
            job, planned, teacher, corpus, on_start=progress.start, on_batch=progress.advance
        )
    if settings.tag:
        corpus.tag(settings.tag)
    summary = record.count(corpus, job.policy)
    record.facts |= {
        "requests": {
            "planned": planned.requests.num_rows,
            "refused": planned.refused.num_rows,
            "already_there": planned.requests.num_rows - added,
            "added": added,
        },
        "teacher": {"name": teacher.name, "fingerprint": teacher.fingerprint()},
    }
    record.write(corpus.path)
    print_summary(console, summary, settings.price_per_core_hour, settings.currency)
    console.print(f"added {added} rows")
    print_places(console, corpus.path)
    return 0
