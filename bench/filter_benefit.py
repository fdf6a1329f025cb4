"""`make filter-benefit`: what filtering is worth to a student.

A teacher damages a known share of its speech (`damaged_teacher.py`). Two students of equal size are
trained for equally many steps: one on all of that speech, one on what the default policy accepts.
Both then say the same held-out texts, and their CER stands with its interval, and the paired
difference with its own. Writes `bench/results/filter_benefit.json`.
"""

import json
import sys
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from damaged_teacher import KINDS, SHARE, damage_of

from lauter.datasets.corpus import Corpus
from lauter.datasets.exported import SAMPLES
from lauter.datasets.shards import export_webdataset
from lauter.orchestration.command import run
from lauter.pipelines.evaluate import Measured, evaluate
from lauter.pipelines.evaluation_items import items_of_export
from lauter.pipelines.evaluation_student import StudentSpeaks, device_name
from lauter.pipelines.speaking_evaluation import SCORERS
from lauter.student.evaluation import Bootstrap, Ratio
from lauter.student.generation import Sampling
from lauter.student.speak import Student
from lauter.student.timbres import add_timbres

RESULTS = Path(__file__).parent / "results" / "filter_benefit.json"
SPLITS = {"train": 0.86, "valid": 0.02, "test": 0.12}
SAMPLING = Sampling(temperature=0.3)
"""As in `make demo`."""


def main(folder: Path, settings: list[str]) -> None:
    """Do it all under ``folder``, where what is there already is not done again.

    ``settings`` that begin with ``distill.`` go to both trainings, others, such as
    ``prompts.count=1500``, to the teacher.
    """
    training = [word for word in settings if word.startswith("distill.")]
    asking = [word for word in settings if word not in training]
    corpus_folder = folder / "corpus"
    _run("synthesize", "recipe=phrases", "teacher._target_=damaged_teacher.DamagedTeacher",
         "filters=default", "policy=default", f"corpus={corpus_folder}", *asking)  # fmt: skip
    _run("codec", "encode", f"corpus={corpus_folder}")
    corpus = Corpus.open(corpus_folder)
    for name, accepted in (("all", None), ("accepted", True)):
        export = folder / f"export-{name}"
        export_webdataset(corpus, export, accepted=accepted, splits=SPLITS, overwrite=True)
        _run("distill", "recipe=phrases", f"distill.data={export}",
             f"distill.output={folder / name}", *training)  # fmt: skip
    items = items_of_export(folder / "export-accepted", split="test", corpus=corpus)
    systems = []
    for name in ("all", "accepted"):
        # One timbre for both, so that what they have learnt alone is told apart.
        add_timbres(folder / name / "student", folder / "export-accepted")
        speaks = StudentSpeaks(Student.open(folder / name / "student", sampling=SAMPLING))
        speaks.name = name
        systems.append(speaks)
    found = evaluate(items, systems, SCORERS).systems
    bootstrap = Bootstrap(10_000, 0)
    of_all, of_accepted = (_ratio(found[name]) for name in ("all", "accepted"))
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "device": device_name("cpu"),
        "damaged_share": SHARE,
        "settings": settings,
        "filter": _filter_figures(corpus),
        "gates_of_the_whole": _gates(corpus),
        "learnt_from": {name: _sentences(folder / f"export-{name}") for name in found},
        "temperature": SAMPLING.temperature,
        "held_out_texts": len(items),
        "cer_all": asdict(bootstrap.estimate(of_all)),
        "cer_accepted": asdict(bootstrap.estimate(of_accepted)),
        "accepted_less_all": asdict(bootstrap.difference(of_accepted, of_all)),
    }
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


def _filter_figures(corpus: Corpus) -> dict[str, Any]:
    """Return how many of each kind of damage, and of the whole, were accepted."""
    asked: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    for batch in corpus.scan_judged(["request_id"]):
        for row in batch.select(["request_id", "accepted"]).to_pylist():
            kind = damage_of(row["request_id"]) or "whole"
            asked[kind] += 1
            kept[kind] += bool(row["accepted"])
    return {kind: {"spoken": asked[kind], "accepted": kept[kind]} for kind in (*KINDS, "whole")}


def _gates(corpus: Corpus) -> dict[str, int]:
    """Return how many undamaged utterances each gate failed."""
    failed: Counter[str] = Counter()
    for batch in corpus.scan_judged(["request_id"]):
        for row in batch.select(["request_id", "failed_gates"]).to_pylist():
            if damage_of(row["request_id"]) is None:
                failed.update(gate["gate"] for gate in row["failed_gates"])
    return dict(failed.most_common())


def _sentences(export: Path) -> int:
    splits = pq.read_table(export / SAMPLES, columns=["split"])["split"].to_pylist()
    return splits.count("train")


def _ratio(rows: list[Measured]) -> Ratio:
    judged = [row for row in rows if row.applicable]
    return Ratio.of([row.edits for row in judged], [row.characters for row in judged])


def _run(*words: str) -> None:
    code = run(list(words))
    if code:
        sys.exit(code)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
