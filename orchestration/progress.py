"""A progress bar with rate and time left, on terminals and, sparsely, in logs."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

LOG_EVERY_S = 30.0


class SpeechProgress:
    """Counts rows and seconds of speech as batches finish."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self._console = console
        self._progress = progress
        self._task = progress.add_task("speaking", total=None, speech="")
        self._started = self._logged = time.monotonic()
        self._speech_s = 0.0
        self._rows = 0
        self._total = 0

    def start(self, pending: int) -> None:
        """Say how many rows are to come."""
        self._total = pending
        self._started = time.monotonic()
        self._progress.update(self._task, total=pending)

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
            self._console.print(f"{self._rows}/{self._total} requests, {text}")


@contextmanager
def speech_progress(console: Console) -> Iterator[SpeechProgress]:
    """Show progress while the context is open."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[speech]}"),
        console=console,
        disable=not console.is_terminal,
    ) as progress:
        yield SpeechProgress(console, progress)
