"""`lauter codec report`: how much of its books a codec uses, and what comes back."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError
from lauter.datasets.location import write_whole
from lauter.datasets.weights import sha256_of
from lauter.orchestration.devices import existing_device
from lauter.orchestration.evaluation.record import data_digest
from lauter.orchestration.leave import leave_of
from lauter.orchestration.making import make, split_shares
from lauter.orchestration.progress import counted_progress
from lauter.orchestration.single_page import check_writable
from lauter.orchestration.tables import print_named
from lauter.pipelines.codec_report import (
    codec_figures,
    codec_systems,
    recogniser_of,
    reportable,
)
from lauter.pipelines.evaluate import evaluate
from lauter.pipelines.evaluation_items import items_of_corpus
from lauter.pipelines.score import ScorerFactory
from lauter.student.codec.codec import EVALUATION, SHIPPED, WEIGHTS, open_codec
from lauter.student.evaluation import Bootstrap

REPORT = "codec.json"


def run(settings: DictConfig, console: Console) -> int:
    """Measure, print the table and write the figures.

    An utterance that cannot be resynthesised is named and left out.
    """
    chosen = settings.codec
    if chosen.released:
        raise UsageError(
            "the released codec only encodes, and nothing comes back to report on; "
            "leave codec.released out"
        )
    if chosen.keep_report and not chosen.folder:
        raise UsageError(
            "say in which codec's folder the report is to be kept, with codec.folder=my-codec; the "
            "codec that comes with Lauter stays as it was installed"
        )
    check_writable(Path(chosen.report))
    device = existing_device("codec.device", chosen.device)
    codec = open_codec(chosen.folder).to(device)
    corpus = Corpus.open(settings.corpus)
    shares = split_shares(settings)
    split = "test" if "test" in shares else "train"
    asked = items_of_corpus(
        corpus,
        shares=shares,
        split_by=settings.export.split_by,
        split=split,
        seed=settings.seed,
        count=chosen.count,
        leave=leave_of(settings),
    )
    items, left_out = reportable(codec, asked)
    print_named(console, "left {} out of the report", left_out)
    if not items:
        raise UsageError(
            f"not one of {len(asked)} utterances of the corpus {corpus.path} can be resynthesised "
            f"({next(iter(left_out.values()))}); take another corpus, or mend its voices"
        )
    open_scorers = cast(list[ScorerFactory], make(settings, "filters")["scorers"])
    with counted_progress(console, "resynthesising") as on_texts:
        found = evaluate(
            items, codec_systems(codec, settings.seed), open_scorers, on_texts=on_texts
        )
    bootstrap = Bootstrap(settings.evaluate.resamples, settings.seed)
    figures = codec_figures(codec, items, found, bootstrap) | {
        "weights": sha256_of(Path(chosen.folder or SHIPPED) / WEIGHTS),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "measured_on": {
            "corpus": corpus.digest(),
            "split": split,
            "share": shares[split],
            "seed": settings.seed,
            "texts": len({item.request.prompt.text for item in items}),
            "data": data_digest(found),
            "left_out": left_out,
            "recogniser": recogniser_of(open_scorers),
        },
    }
    text = json.dumps(figures, indent=1, ensure_ascii=False) + "\n"
    places = [Path(chosen.report) / REPORT]
    if chosen.keep_report:
        places.append(Path(chosen.folder) / EVALUATION)
    for place in places:
        write_whole(place, text)
    _print(console, figures)
    for place in places:
        console.print(str(place), soft_wrap=True)
    return 0


def _print(console: Console, figures: dict[str, Any]) -> None:
    for name, book in figures["books"].items():
        console.print(
            f"{name}: {book['used']:.0%} of {book['size']} entries used in {book['entries']}, "
            f"perplexity {book['perplexity']:.0f}"
        )
    table = Table("", "CER", "speaker similarity", "MOS")
    for name, system in figures["systems"].items():
        table.add_row(
            name,
            *(_cell(system["figures"].get(key)) for key in ("cer", "speaker_similarity", "mos")),
        )
    console.print(table)


def _cell(estimate: dict[str, float] | None) -> str:
    if estimate is None:
        return "–"
    return f"{estimate['value']:.3f} ({estimate['low']:.3f} to {estimate['high']:.3f})"
