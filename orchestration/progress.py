"""Progress bars with rates and the time left, on terminals and, sparsely, in logs."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

LOG_EVERY_S = 30.0


class SpeechProgress:
    """Counts rows and seconds of speech as batches finish."""

    def __init__(self, console: Console, progress: Progress, doing: str) -> None:
        self._console = console
        self._progress = progress
        self._task = progress.add_task(doing, total=None, speech="")
        self._started = self._logged = time.monotonic()
        self._speech_s = 0.0
        self._rows = 0
        self._total = 0

    def start(self, pending: int) -> None:
        """Say how many rows are to come, or how many more."""
        if not self._total:
            self._started = time.monotonic()
        self._total += pending
        self._progress.update(self._task, total=self._total)

    def advance(self, batch: pa.RecordBatch) -> None:
        """Count a finished batch."""
        self._rows += batch.num_rows
        self._speech_s += pc.sum(batch["duration_s"]).as_py() or 0.0
        now = time.monotonic()
        rate = self._speech_s / max(now - self._started, 1e-9)
        text = f"{self._speech_s / 60:.1f} min of speech, {rate:.2f} s of it a second"
        self._progress.update(self._task, advance=batch.num_rows, speech=text)
        if not self._console.is_terminal and now - self._logged > LOG_EVERY_S:
            self._logged = now
            of_total = f" of {self._total}" if self._total else ""
            self._console.print(f"{self._rows}{of_total} utterances, {text}")


@contextmanager
def speech_progress(console: Console, doing: str = "speaking") -> Iterator[SpeechProgress]:
    """Show progress in rows and seconds of speech while the context is open."""
    with _bar(console, TextColumn("{task.fields[speech]}")) as progress:
        yield SpeechProgress(console, progress, doing)


@contextmanager
def counted_progress(console: Console, doing: str) -> Iterator[Callable[[int, int], None]]:
    """Give a function that is told how many of how many are done, and show it."""
    with _bar(console) as progress:
        task = progress.add_task(doing, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


class StageProgress:
    """Shows a training in stages: each has a bar, with the losses of its last step beside it."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self._console = console
        self._progress = progress
        self._stage = ""
        self._began = self._logged = time.monotonic()

    def __call__(self, stage: str, done: int, of: int, losses: Mapping[str, float]) -> None:
        """Show that ``done`` of ``of`` steps of a stage are done (0: nobody knows how many)."""
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._began = stage, now
            self._task = self._progress.add_task(stage, total=None, told="")
        told = ", ".join(f"{name} {value:.3f}" for name, value in losses.items())
        self._progress.update(self._task, completed=done, total=of or None, told=told)
        is_last = bool(losses) and done == of
        if not self._console.is_terminal and (is_last or now - self._logged > LOG_EVERY_S):
            self._logged = now
            of_total = f" of {of}" if of else ""
            left_s = (now - self._began) / max(done, 1) * max(of - done, 0)
            left = f", {left_s / 60:.0f} min left" if left_s else ""
            self._console.print(f"{stage}: {done}{of_total}{left}{'; ' if told else ''}{told}")


@contextmanager
def stage_progress(console: Console) -> Iterator[StageProgress]:
    """Show stages, their steps and losses while the context is open."""
    with _bar(console, TextColumn("{task.fields[told]}")) as progress:
        yield StageProgress(console, progress)


def _bar(console: Console, *more: ProgressColumn) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        *more,
        console=console,
        disable=not console.is_terminal,
    )
