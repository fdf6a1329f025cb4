"""`lauter write`: texts to be said, by rules or by a model, with a report of what came."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.table import Table

from lauter.datasets.errors import QualityGateMissedError, UsageError
from lauter.datasets.prompts.file import file_texts
from lauter.datasets.tags import Language
from lauter.orchestration.making import make
from lauter.orchestration.progress import counted_progress
from lauter.orchestration.single_page import check_writable
from lauter.teacher.writer.folder import ANSWERS, DEAD_LETTERS, REPORT, TEXTS, RunFolder
from lauter.teacher.writer.gather import Gathering, Row, Tally
from lauter.teacher.writer.metrics import Metrics
from lauter.teacher.writer.near_duplicates import NearDuplicates
from lauter.teacher.writer.plan import kinds_of, plan_tasks, wanted_of
from lauter.teacher.writer.protocol import Conditions, Writer
from lauter.teacher.writer.report import Part, missing_of, parts_of, report_of, sentences_of
from lauter.teacher.writer.source import chosen, lengths_of
from lauter.teacher.writer.task import Genre, Register, Topic, Wanted

_DECIDES = ("dialects", "emotions", "levels", "count", "topics", "genres", "registers", "lengths",
            "known", "alike", "per_ask")  # fmt: skip
"""Of the settings those on which the texts depend; where they lie is another matter."""


def run(settings: DictConfig, console: Console) -> int:
    """Write, say what came of it and where it lies; texts that are missing are exit code 3."""
    options = settings.write
    folder = Path(options.folder)
    check_writable(folder)
    duplicates = _known(options)
    lengths = lengths_of({str(name): list(pair) for name, pair in options.lengths.items()})
    cache = Path(options.cache) if options.cache else folder / ANSWERS
    writer = _writer(settings, Conditions(lengths, settings.seed, cache))
    try:
        wanted = dict.fromkeys(
            wanted_of(writer, options.dialects, options.emotions, options.levels), options.count
        )
        tasks = plan_tasks(
            wanted, _kinds(options), writer, per_ask=options.per_ask, seed=settings.seed
        )
        rows: list[Row] = []
        with (
            RunFolder(folder, _asked(settings, writer, wanted)) as run_folder,
            counted_progress(console, "writing") as on_ask,
        ):

            def on_text(row: Row) -> None:
                rows.append(row)
                run_folder.keep(row)

            gathering = Gathering(writer, lengths, duplicates, on_text, on_ask)
            gathering.run(tasks)
            letters = [letter.as_dict() for letter in gathering.dead_letters]
            run_folder.finish(letters, report_of(writer, wanted, rows, gathering.tally))
    finally:
        writer.close()
    _print(console, parts_of(wanted, rows), gathering.tally)
    for place in (TEXTS, *([DEAD_LETTERS] if letters else []), REPORT):
        console.print(str(folder / place), soft_wrap=True)
    for sentence in sentences_of(gathering.tally):
        console.print(sentence, soft_wrap=True)
    _check_all_came(wanted, rows)
    return 0


def _writer(settings: DictConfig, conditions: Conditions) -> Writer:
    try:
        writer: Writer = make(settings, "writer")(conditions)
    except TypeError as error:
        raise UsageError(f"the configuration of 'writer' cannot be used: {error}") from error
    return writer


def _known(options: DictConfig) -> NearDuplicates:
    """Return the texts of earlier runs, which shall not come again."""
    duplicates = NearDuplicates(options.alike)
    for path in options.known:
        try:
            texts = file_texts(path)
        except UsageError as error:
            # What it advises are the keys of prompts=file.
            wrong = str(error).partition("; ")[0]
            raise UsageError(
                f"{wrong}; write.known names files of texts with their language, such as "
                "texts.jsonl of an earlier run"
            ) from error
        for row in texts.to_pylist():
            duplicates.add(row["text"], row["language"], row.get("dialect") or "", path)
    return duplicates


def _kinds(options: DictConfig) -> dict[Language, Any]:
    topics = chosen(Topic, options.topics, "topic") or list(Topic)
    genres = chosen(Genre, options.genres, "genre") or list(Genre)
    registers = chosen(Register, options.registers, "register")
    return {language: kinds_of(language, topics, genres, registers) for language in Language}


def _asked(settings: DictConfig, writer: Writer, wanted: Iterable[Wanted]) -> dict[str, Any]:
    """Return what decides the texts of a run."""
    options = OmegaConf.to_container(settings.write)
    assert isinstance(options, dict)
    return {
        **{name: options[name] for name in _DECIDES},
        "seed": settings.seed,
        "writer": dict(writer.identity()),
        "templates": sorted({writer.template(one) for one in wanted}),
    }


def _print(console: Console, parts: list[Part], tally: Tally) -> None:
    table = Table(title="Written texts", title_justify="left")
    for name in (
        "for",
        "emotion",
        "texts",
        "topics",
        "dist-2",
        "BLEU",
        "phones",
        "tones",
        "length",
    ):
        table.add_column(name, justify="left" if name in ("for", "emotion") else "right")
    for part in parts:
        figures = _figures(part.metrics) if part.metrics else [""] * 5
        texts = f"{part.written}/{part.asked}"
        table.add_row(part.dialect, part.emotion, texts, f"{part.topics:.2f}", *figures)
    console.print(table)
    facts = [f"{tally.duplicates} repeated others and were dropped"]
    if tally.paid or tally.cached:
        facts.append(f"{tally.asks} asks: {tally.paid} paid, {tally.cached} paid for before")
    if tally.prompt_tokens is not None or tally.completion_tokens is not None:
        told = tally.prompt_tokens or 0, tally.completion_tokens or 0
        facts.append(f"{told[0]} tokens asked, {told[1]} answered")
    console.print("; ".join(facts))


def _figures(metrics: Metrics) -> list[str]:
    def shown(figure: float | None) -> str:
        return "-" if figure is None else f"{figure:.2f}"

    sizes = metrics.lengths
    return [
        shown(metrics.distinct_2),
        shown(metrics.self_bleu),
        shown(metrics.phone_coverage),
        shown(metrics.tone_coverage),
        f"{sizes.least}-{sizes.most}",
    ]


def _check_all_came(wanted: dict[Wanted, int], rows: list[Row]) -> None:
    missing = missing_of(wanted, rows)
    if missing:
        told = ", ".join(f"{one} {count}" for one, count in list(missing.items())[:5])
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise QualityGateMissedError(
            f"{sum(missing.values())} of {sum(wanted.values())} texts are missing ({told}{more}); "
            "those that came are kept: ask for fewer, or for more topics and genres"
        )
