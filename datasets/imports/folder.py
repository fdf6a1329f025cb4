"""Reads a folder of sounds with a text beside each, or with one table for all.

A table is ``metadata.csv`` or ``metadata.tsv`` in the folder, or the file that ``path`` names: with
a header, as Common Voice and Hugging Face's audio folders have it, or without one and with ``|``
between id, text and normalised text, as LJSpeech has it.
"""

import csv
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from lauter.datasets.errors import UsageError
from lauter.datasets.imports.columns import Columns
from lauter.datasets.imports.places import existing
from lauter.datasets.imports.recording import Origin, Recording
from lauter.datasets.imports.webdataset import AUDIO_SUFFIXES

TABLES = ("metadata.csv", "metadata.tsv")
SOUND_FOLDERS = ("", "wavs", "clips", "audio")
"""Where a table's sounds are looked for, from the table's folder on."""
TEXT_SUFFIXES = (".txt", ".lab", ".normalized.txt")
LJSPEECH_COLUMNS = ("path", "text", "normalized_text")


@dataclass(frozen=True)
class Folder:
    """A folder, or a table of one, at ``path``.

    ``columns`` chooses other columns of the table for our fields; see ``Columns``.
    """

    path: str
    origin: Origin = field(default_factory=Origin)
    columns: Mapping[str, str | None] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Recording]:
        found = existing(self.path, "folder or table")
        columns = Columns(self.columns)
        if found.is_file():
            return _from_table(found, columns)
        tables = [found / name for name in TABLES if (found / name).exists()]
        return _from_table(tables[0], columns) if tables else _from_pairs(found)


def _from_pairs(folder: Path) -> Iterator[Recording]:
    for sound in _sounds(folder):
        key = str(sound.relative_to(folder))
        texts = [sound.with_suffix(suffix) for suffix in TEXT_SUFFIXES]
        text = next((text for text in texts if text.exists()), None)
        if text is None:
            yield Recording(key, path=str(sound), fault=f"there is no {sound.stem}.txt beside it")
            continue
        try:
            said = text.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            yield Recording(key, path=str(sound), fault=f"{text.name} cannot be read ({error})")
            continue
        yield Recording(key, said.strip(), str(sound))


def _sounds(folder: Path) -> Iterator[Path]:
    """Yield all sounds below ``folder``, in an order that does not depend on the file system."""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(parent, name)
            if path.suffix[1:].lower() in AUDIO_SUFFIXES and not name.startswith("."):
                yield path


def _from_table(table: Path, columns: Columns) -> Iterator[Recording]:
    checked = False
    for number, row in _rows(table, columns):
        if not checked:
            columns.require(row, ("path", "text"), str(table))
            checked = True
        recording = columns.recording(row, f"{table.name}:{number}")
        if recording.path:
            recording = replace(recording, path=_sound_of(table.parent, recording.path))
        yield recording


def _rows(table: Path, columns: Columns) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield a table's rows by column name, with the number of the line where each ends."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            piped = "|" in first and "\t" not in first
            delimiter = "|" if piped else "\t" if "\t" in first else ","
            lines = csv.reader(
                file,
                delimiter=delimiter,
                quoting=csv.QUOTE_MINIMAL if delimiter == "," else csv.QUOTE_NONE,
            )
            header = next(lines, [])
            if piped and not any(name in columns.names_of("path") for name in header):
                names, first_rows = list(LJSPEECH_COLUMNS), [header]
            else:
                names, first_rows = header, []
            for values in chain(first_rows, lines):
                if values:
                    yield lines.line_num, dict(zip(names, values, strict=False))
    except (OSError, csv.Error, UnicodeDecodeError) as error:
        raise UsageError(f"{table} is no table that can be read ({error})") from error


def _sound_of(folder: Path, name: str) -> str:
    """Return where a table's sound lies; LJSpeech leaves out both its folder and its suffix."""
    suffixes = ("", *(f".{suffix}" for suffix in AUDIO_SUFFIXES))
    for inner in SOUND_FOLDERS:
        for suffix in suffixes:
            path = folder / inner / (name + suffix)
            if path.is_file():
                return str(path)
    return str(folder / name)
