"""`lauter evaluate`: a student against its teacher on held-out texts, with a verdict.

Everything is written before the verdict is pronounced: a gate that is missed is seen in full.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pyarrow.parquet as pq
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from lauter.datasets.corpus import Corpus
from lauter.datasets.corpus_layout import MARK as MARK_OF_CORPUS
from lauter.datasets.errors import QualityGateMissedError, UsageError
from lauter.datasets.exported_speakers import check_leave
from lauter.datasets.location import location_of, write_whole
from lauter.orchestration.evaluation import evaluate_edits
from lauter.orchestration.evaluation.page import MARK, evaluation_page
from lauter.orchestration.evaluation.record import as_json, utterances
from lauter.orchestration.evaluation.tables import print_report
from lauter.orchestration.leave import leave_of
from lauter.orchestration.making import make, split_shares
from lauter.orchestration.progress import counted_progress
from lauter.orchestration.run_record import newest_export
from lauter.orchestration.sampling import sampling_of
from lauter.orchestration.single_page import check_replaceable, check_writable
from lauter.pipelines.evaluate import Evaluation, evaluate
from lauter.pipelines.evaluation_items import (
    Item,
    items_of_corpus,
    items_of_export,
    items_of_list,
)
from lauter.pipelines.evaluation_report import Report, check_against, report
from lauter.pipelines.evaluation_systems import (
    GROUND_TRUTH,
    STUDENT,
    TEACHER,
    Recorded,
    System,
)
from lauter.pipelines.score import ScorerFactory
from lauter.student.evaluation import Bootstrap

AUTO = "auto"


def run(settings: DictConfig, console: Console) -> int:
    """Let every system say the texts, write what was measured, and pronounce the verdict."""
    options = settings.evaluate
    if options.task == "edit":
        return evaluate_edits.run(settings, console)
    folder = Path(options.folder)
    page = folder / "evaluation.html"
    check_replaceable(page, MARK)
    check_writable(folder)
    if options.count is not None and options.count < 1:
        raise UsageError(f"evaluate.count is {options.count}; set 1 or more, or null for all")
    items = _items(settings)
    systems, fingerprints, device = _systems(settings, items)
    against = _against(options.against, systems)
    open_scorers = cast(list[ScorerFactory], make(settings, "filters")["scorers"])
    with counted_progress(console, "evaluating") as on_texts:
        found = evaluate(
            items, systems, open_scorers, batch_size=options.batch_size, on_texts=on_texts
        )
    bootstrap = Bootstrap(options.resamples, settings.seed)
    figures = report(found, against=against, margin=options.margin, bootstrap=bootstrap)
    _write(settings, folder, page, figures, found, fingerprints, device)
    print_report(console, figures, device)
    for name in ("evaluation.json", "utterances.parquet", page.name):
        console.print(str(folder / name), soft_wrap=True)
    if figures.verdict is not None:
        if not figures.verdict.holds:
            raise QualityGateMissedError(f"{figures.verdict.sentence}; listen to {page}")
        console.print(figures.verdict.sentence, soft_wrap=True)
    return 0


def _items(settings: DictConfig) -> list[Item]:
    options = settings.evaluate
    if options.list is not None:
        if settings.student is None:
            raise UsageError("nothing says who is to speak the list; set student=FOLDER")
        return items_of_list(options.list, options.language, count=options.count)
    if options.data is not None:
        check_leave(options.data, options.split, leave_of(settings))
        # Whatever else lies where corpora do by default is not what was asked for.
        is_there = (location_of(settings.corpus) / MARK_OF_CORPUS).exists()
        voices = Corpus.open(settings.corpus) if is_there else None
        return items_of_export(
            options.data, split=options.split, count=options.count, corpus=voices
        )
    corpus = Corpus.open(settings.corpus)
    shares = split_shares(settings)
    if options.split not in shares:
        known = newest_export(corpus.path) or "EXPORT"
        raise UsageError(
            f"nothing says which texts were held out: set evaluate.data={known}, or "
            f"export.{options.split} to the share that the student's export was made with"
        )
    return items_of_corpus(
        corpus,
        shares=shares,
        split_by=settings.export.split_by,
        split=options.split,
        seed=settings.seed,
        accepted_only=options.speech == "accepted",
        count=options.count,
        leave=leave_of(settings),
    )


def _systems(
    settings: DictConfig, items: list[Item]
) -> tuple[list[System], Mapping[str, Any], str]:
    """Return who speaks, the student last, their fingerprints, and where they run."""
    from lauter.pipelines.evaluation_student import device_name, open_systems

    options = settings.evaluate
    device = device_name(options.device)
    systems: list[System] = []
    recorded = all(item.recording is not None for item in items)
    if recorded:
        systems.append(Recorded(TEACHER if options.list is None else GROUND_TRUTH))
    opened, fingerprints = open_systems(
        settings.student,
        settings.codec.folder,
        device=options.device,
        seed=settings.seed,
        resynthesise=recorded,
        batch_size=options.batch_size,
        sampling=sampling_of(settings),
    )
    teachers = sorted({item.request.teacher_fingerprint for item in items} - {""})
    return [*systems, *opened], {"teacher": ", ".join(teachers), **fingerprints}, device


def _against(chosen: str | None, systems: list[System]) -> str | None:
    """Return the system that the student is held against; None: there is no verdict."""
    names = [system.name for system in systems]
    if chosen == AUTO:
        recordings = [name for name in (TEACHER, GROUND_TRUTH) if name in names]
        return recordings[0] if recordings and STUDENT in names else None
    check_against(chosen, names)  # before anything is spoken
    return chosen


def _write(
    settings: DictConfig,
    folder: Path,
    page: Path,
    figures: Report,
    found: Evaluation,
    fingerprints: Mapping[str, Any],
    device: str,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    table = utterances(found, fingerprints)
    pq.write_table(table, folder / "utterances.parquet", compression="zstd")
    chosen = {
        name: OmegaConf.to_container(settings[name], resolve=True)
        for name in ("evaluate", "speaking")
    }
    text = as_json(
        figures,
        found,
        fingerprints=fingerprints,
        device=device,
        seed=settings.seed,
        settings={"student": settings.student, "corpus": settings.corpus, **chosen},
    )
    write_whole(folder / "evaluation.json", text)
    html = evaluation_page(
        figures,
        found,
        samples=settings.evaluate.samples,
        fingerprints=fingerprints,
        device=device,
    )
    write_whole(page, html)
