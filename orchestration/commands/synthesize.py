"""`lauter synthesize`: speak, score, judge and keep what the corpus does not have yet."""

from omegaconf import DictConfig
from rich.console import Console

from lauter.datasets.corpus import Corpus
from lauter.orchestration.making import make_job, make_prompts, make_teacher
from lauter.orchestration.progress import speech_progress
from lauter.orchestration.run_record import RunRecord
from lauter.orchestration.tables import print_refused, print_summary
from lauter.pipelines.plan import plan
from lauter.pipelines.summary import summarise
from lauter.pipelines.synthesize import synthesize


def run(settings: DictConfig, console: Console) -> int:
    """Run the main job and print its table."""
    record = RunRecord("synthesize", settings)
    open_teacher, teacher = make_teacher(settings)
    job = make_job(settings, open_teacher)
    planned = plan(make_prompts(settings, teacher), teacher, seed=settings.seed)
    print_refused(console, planned.refused)
    corpus = Corpus.create(settings.corpus, exist_ok=True)
    with speech_progress(console) as progress:
        added = synthesize(
            job, planned, teacher, corpus, on_start=progress.start, on_batch=progress.advance
        )
    if settings.tag:
        corpus.tag(settings.tag)
    summary = summarise(corpus, job.policy.digest)
    record.facts |= {
        "requests": {
            "planned": planned.requests.num_rows,
            "refused": planned.refused.num_rows,
            "already_there": planned.requests.num_rows - added,
            "added": added,
        },
        "teacher": {"name": teacher.name, "fingerprint": teacher.fingerprint()},
        "policy": {"name": job.policy.name, "digest": job.policy.digest},
        "summary": summary.as_dict(),
        "cost": {
            "price_per_core_hour": settings.price_per_core_hour,
            "currency": settings.currency,
            "per_accepted_hour": summary.cost_per_accepted_hour(settings.price_per_core_hour),
        },
        "digest": corpus.digest(),
    }
    path = record.write(settings.corpus)
    print_summary(console, summary, settings.price_per_core_hour, settings.currency)
    console.print(f"added {added} rows; corpus: {settings.corpus}, account of the run: {path}")
    return 0
