"""Corpora and exports that lie in a folder, read alike: rows with some columns, by a value.

What is looked for is named by an id or a digest, so only light columns are read; audio never is.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from lauter.datasets.corpus import Corpus
from lauter.datasets.corpus_layout import MARK
from lauter.datasets.errors import UsageError
from lauter.datasets.exported import SAMPLES, SPEECH, open_samples
from lauter.datasets.lance_source import open_speech
from lauter.datasets.location import Location

_MARKS: Final = (MARK, SAMPLES, SPEECH)

Equal = tuple[str, str]
"""A column, and the value that it must have."""


class Holding(Protocol):
    """A corpus or an export."""

    @property
    def place(self) -> Location:
        """Where it lies."""
        ...

    @property
    def columns(self) -> Sequence[str]:
        """What it says of each row."""
        ...

    def scan(self, columns: Sequence[str], equal: Equal | None = None) -> Iterator[pa.RecordBatch]:
        """Yield its rows, or those where a column has a value."""
        ...


@dataclass(frozen=True)
class CorpusHolding:
    """A corpus as it is now."""

    corpus: Corpus

    @property
    def place(self) -> Location:
        """Where it lies."""
        return self.corpus.path

    @property
    def columns(self) -> Sequence[str]:
        """Its columns."""
        return list(self.corpus.schema.names)

    def scan(self, columns: Sequence[str], equal: Equal | None = None) -> Iterator[pa.RecordBatch]:
        """Yield its rows."""
        yield from self.corpus.scan(columns, where=equal and _condition(equal))


@dataclass(frozen=True)
class TarsHolding:
    """An export as shards: what ``samples.parquet`` says of it."""

    place: Location

    @property
    def columns(self) -> Sequence[str]:
        """The columns of its records."""
        with open_samples(self.place) as table:
            return list(table.schema_arrow.names)

    def scan(self, columns: Sequence[str], equal: Equal | None = None) -> Iterator[pa.RecordBatch]:
        """Yield its rows."""
        read = list(dict.fromkeys([*columns, *([equal[0]] if equal else [])]))
        with open_samples(self.place) as table:
            for batch in table.iter_batches(columns=read):
                found = (
                    batch if equal is None else batch.filter(pc.equal(batch[equal[0]], equal[1]))
                )
                yield found.select(list(columns))


@dataclass(frozen=True)
class LanceHolding:
    """An export as one Lance dataset."""

    place: Location

    @property
    def columns(self) -> Sequence[str]:
        """Its columns."""
        return list(open_speech(self.place).schema.names)

    def scan(self, columns: Sequence[str], equal: Equal | None = None) -> Iterator[pa.RecordBatch]:
        """Yield its rows."""
        condition = equal and _condition(equal)
        dataset: Any = open_speech(self.place)
        yield from dataset.scanner(columns=list(columns), filter=condition).to_batches()


def holdings_in(folder: Location) -> tuple[list[Holding], list[str]]:
    """Return the corpora and exports in a folder and below it, corpora first.

    In a store only the place itself is looked at. The second list has a sentence for each that
    cannot be read. Raises ``UsageError`` where there is no such folder.
    """
    if isinstance(folder, Path) and not folder.is_dir():
        raise UsageError(f"{folder} is no folder; set trace.within to one with corpora or exports")
    corpora: list[Holding] = []
    exports: list[Holding] = []
    unreadable: list[str] = []
    for place, mark in _marked(folder):
        try:
            if mark == MARK:
                corpora.append(CorpusHolding(Corpus.open(place)))
            else:
                kind = TarsHolding if mark == SAMPLES else LanceHolding
                exports.append(_readable(kind(place)))
        except (UsageError, OSError, pa.ArrowException) as error:
            sentence = str(error) if isinstance(error, UsageError) else f"{place}: {error}"
            unreadable.append(sentence)
    return corpora + exports, unreadable


def _readable(holding: Holding) -> Holding:
    _ = holding.columns
    return holding


def _marked(folder: Location) -> Iterator[tuple[Location, str]]:
    if isinstance(folder, Path):
        yield from places_below(folder, *_MARKS)
    else:
        yield from ((folder, mark) for mark in _MARKS if (folder / mark).exists())


def places_below(folder: Path, *marks: str) -> Iterator[tuple[Path, str]]:
    """Yield a folder and those below it that hold one of ``marks``, each with it.

    Marks are names of files or folders. Hidden folders and Lance datasets are not looked into.
    """
    for name, below, files in os.walk(folder):
        place = Path(name)
        yield from ((place, mark) for mark in marks if mark in files or mark in below)
        below[:] = sorted(
            one for one in below if not one.startswith(".") and Path(one).suffix != ".lance"
        )


def _condition(equal: Equal) -> str:
    column, value = equal
    return f"{column} = '{value.replace(chr(39), chr(39) * 2)}'"
