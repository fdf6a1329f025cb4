"""`lauter codec report`: how much of its books a codec uses, and what comes back."""

import json
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from lauter.datasets.corpus import Corpus
from lauter.datasets.errors import UsageError
from lauter.orchestration.devices import existing_device
from lauter.orchestration.making import make, split_shares
from lauter.orchestration.progress import counted_progress
from lauter.orchestration.single_page import write_whole
from lauter.pipelines.codec_report import codec_figures, codec_systems
from lauter.pipelines.evaluate import evaluate
from lauter.pipelines.evaluation_items import items_of_corpus
from lauter.pipelines.score import ScorerFactory
from lauter.student.codec.codec import open_codec
from lauter.student.evaluation import Bootstrap

REPORT = "codec.json"


def run(settings: DictConfig, console: Console) -> int:
    """Measure, print the table and write the figures."""
    if settings.codec.released:
        raise UsageError(
            "the released codec only encodes, and nothing comes back to report on; "
            "leave codec.released out"
        )
    device = existing_device("codec.device", settings.codec.device)
    codec = open_codec(settings.codec.folder).to(device)
    shares = split_shares(settings)
    items = items_of_corpus(
        Corpus.open(settings.corpus),
        shares=shares,
        split="test" if "test" in shares else "train",
        seed=settings.seed,
        count=settings.codec.count,
    )
    open_scorers = cast(list[ScorerFactory], make(settings, "filters")["scorers"])
    with counted_progress(console, "resynthesising") as on_texts:
        found = evaluate(
            items, codec_systems(codec, settings.seed), open_scorers, on_texts=on_texts
        )
    bootstrap = Bootstrap(settings.evaluate.resamples, settings.seed)
    figures = codec_figures(codec, items, found, bootstrap)
    place = Path(settings.codec.report)
    place.mkdir(parents=True, exist_ok=True)
    write_whole(place / REPORT, json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    _print(console, figures)
    console.print(str(place / REPORT), soft_wrap=True)
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
