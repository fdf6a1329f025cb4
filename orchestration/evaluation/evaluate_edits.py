"""`lauter evaluate evaluate.task=edit`: how often edits move what they should, pass by pass."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from lauter.datasets.corpus import Corpus
from lauter.datasets.corpus_layout import MARK
from lauter.datasets.edits import edit_named
from lauter.datasets.errors import UsageError
from lauter.datasets.exported_speakers import check_leave
from lauter.datasets.location import location_of, write_whole
from lauter.orchestration.evaluation.edits import curve, print_edits
from lauter.orchestration.leave import leave_of
from lauter.orchestration.making import make
from lauter.orchestration.progress import counted_progress
from lauter.orchestration.sampling import sampling_of
from lauter.orchestration.single_page import check_writable
from lauter.pipelines.edit_chains import EditStep, chains_of_export
from lauter.pipelines.evaluate_edits import EditReport, StudentEdits, evaluate_edits
from lauter.pipelines.evaluation_student import device_name, student_fingerprint
from lauter.pipelines.evaluation_systems import Recorded, Resynthesis, System
from lauter.pipelines.score import ScorerFactory
from lauter.student.codec.codec import open_codec
from lauter.student.evaluation import Bootstrap
from lauter.student.speak import Student


def run(settings: DictConfig, console: Console) -> int:
    """Let teacher, codec and student make the same chains; write and print what moved."""
    options = settings.evaluate
    if options.data is None:
        raise UsageError(
            "edits are evaluated on held-out speech in its levels; set evaluate.data to the export "
            "that the student learnt from"
        )
    folder = Path(options.folder)
    check_writable(folder)
    check_leave(options.data, options.split, leave_of(settings))
    is_there = (location_of(settings.corpus) / MARK).exists()
    chains = chains_of_export(
        options.data,
        split=options.split,
        times=options.times,
        edits=None if options.edits is None else [edit_named(word) for word in options.edits],
        count=options.count,
        corpus=Corpus.open(settings.corpus) if is_there else None,
    )
    device = device_name(options.device)
    systems, fingerprints = _systems(settings, chains)
    open_scorers = cast(list[ScorerFactory], make(settings, "filters")["scorers"])
    with counted_progress(console, "evaluating edits") as on_steps:
        report = evaluate_edits(
            chains,
            systems,
            open_scorers,
            bootstrap=Bootstrap(options.resamples, settings.seed),
            batch_size=options.batch_size,
            on_steps=on_steps,
        )
    for place in _written(settings, folder, report, fingerprints, device):
        console.print(str(place), soft_wrap=True)
    print_edits(console, report, device)
    return 0


def _systems(
    settings: DictConfig, chains: Sequence[Sequence[EditStep]]
) -> tuple[list[System], dict[str, str]]:
    options = settings.evaluate
    student = None
    if settings.student is not None:
        student = Student.open(
            settings.student,
            codec=settings.codec.folder,
            device=options.device,
            sampling=sampling_of(settings),
            batch_size=options.batch_size,
        )
    codec = student.codec if student else open_codec(settings.codec.folder).to(options.device)
    systems: list[System] = [Recorded(), Resynthesis(codec, settings.seed)]
    fingerprints = {"codec": codec.fingerprint}
    if student:
        edits = sorted({chain[0].edit for chain in chains})
        systems.append(StudentEdits(student, edits, settings.seed))
        fingerprints["student"] = student_fingerprint(settings.student)
    return systems, fingerprints


def _written(
    settings: DictConfig,
    folder: Path,
    report: EditReport,
    fingerprints: Mapping[str, str],
    device: str,
) -> list[Path]:
    """Write the figures and a curve for each edit; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen: dict[str, Any] = {
        name: OmegaConf.to_container(settings[name], resolve=True)
        for name in ("evaluate", "speaking")
    }
    record = asdict(report) | {
        "fingerprints": dict(fingerprints),
        "device": device,
        "seed": settings.seed,
        "settings": {"student": settings.student, "corpus": settings.corpus, **chosen},
    }
    places = [folder / "edits.json"]
    write_whole(places[0], json.dumps(record, ensure_ascii=False, indent=1) + "\n")
    for edit, systems in report.figures.items():
        places.append(folder / f"{edit}.svg")
        write_whole(places[-1], curve(edit, systems))
    return places
