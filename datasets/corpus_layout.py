"""Where the parts of a corpus lie, and how they are opened; Lance's errors become sentences.

``corpus.json`` is written last and atomically: a folder that has it is a whole corpus, and a
folder whose making was cut off lacks it and is simply made again.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import lance
import pyarrow as pa

from lauter.datasets.errors import LauterError, UsageError
from lauter.datasets.location import Location, lance_options, write_whole
from lauter.datasets.records import SCHEMA_VERSION, SCORING_FIELDS, UTTERANCE_SCHEMA
from lauter.datasets.store_errors import said, trouble
from lauter.datasets.store_path import StorePath
from lauter.datasets.voices import VOICE_SCHEMA

MARK = "corpus.json"
UTTERANCES = "utterances.lance"
VOICES = "voices.lance"
VERDICTS = "verdicts"
WITHDRAWN = "withdrawn"
"""What stands in ``error_kind`` of a row whose voice was erased."""

_UNFINISHED = {UTTERANCES, VOICES, f"{MARK}.new"}
"""What the making of a corpus leaves behind when it is cut off."""


def utterance_schema() -> pa.Schema:
    """Return the columns of an empty corpus.

    FLAC cannot be compressed further; telling Lance not to try makes appending a third cheaper.
    """
    fields = [*UTTERANCE_SCHEMA, *SCORING_FIELDS]
    incompressible = {"lance-encoding:compression": "none"}
    return pa.schema(
        [
            field.with_metadata((field.metadata or {}) | incompressible)
            if field.name == "audio"
            else field
            for field in fields
        ]
    )


def make(folder: Location) -> None:
    """Make an empty corpus in a new or empty folder."""
    lance_options(folder)  # says so, where Lance cannot keep one
    if folder.exists() and not _is_free(folder):
        raise UsageError(
            f"{folder} has other content and is no corpus; name a new or an empty folder"
        )
    with plainly(folder, "made"):
        folder.mkdir(parents=True, exist_ok=True)
        for name, schema in ((UTTERANCES, utterance_schema()), (VOICES, VOICE_SCHEMA)):
            write_dataset(schema.empty_table(), folder / name)
        write_whole(folder / MARK, json.dumps({"schema_version": SCHEMA_VERSION}) + "\n")


def _is_free(folder: Location) -> bool:
    """Whether the folder is empty, or the unfinished making of a corpus without any row."""
    if not folder.is_dir():
        return False
    content = {path.name for path in folder.iterdir()}
    if not content <= _UNFINISHED:
        return False
    utterances = folder / UTTERANCES
    return not has_state(utterances) or open_dataset(utterances).count_rows() == 0


def check_mark(folder: Location) -> None:
    """Raise ``UsageError`` unless ``folder`` is a corpus that this Lauter can read."""
    try:
        mark = json.loads((folder / MARK).read_text())
        version = int(mark["schema_version"])
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(
            f"{folder} is no corpus; name a folder that `lauter synthesize` or `lauter import` made"
        ) from None
    except (ValueError, KeyError, TypeError):
        wanted = json.dumps({"schema_version": SCHEMA_VERSION})
        raise UsageError(f"{folder / MARK} is damaged; write {wanted} into it") from None
    if version > SCHEMA_VERSION:
        raise UsageError(
            f"the corpus {folder} has schema {version} and this Lauter reads up to "
            f"{SCHEMA_VERSION}; install a newer Lauter to open it"
        )


def has_state(dataset: Location) -> bool:
    """Whether anything was ever committed to a dataset: a first write cut off leaves nothing."""
    return any((dataset / "_versions").glob("*.manifest"))


def write_dataset(table: pa.Table, dataset: Location) -> None:
    """Make ``table`` the newest state of a dataset; earlier states stay versions."""
    mode = "overwrite" if has_state(dataset) else "create"
    lance.write_dataset(table, str(dataset), mode=mode, storage_options=lance_options(dataset))


def open_dataset(dataset: Location, version: int | str | None = None) -> Any:
    """Open a Lance dataset at a tag or a version number, or as it is now."""
    try:
        return lance.dataset(str(dataset), version=version, storage_options=lance_options(dataset))
    except (OSError, ValueError) as error:
        if told := _trouble_of_a_store(dataset, error):
            raise UsageError(told) from error
        if version is None:
            raise UsageError(
                f"{dataset} cannot be opened ({said(error)}); "
                "it is missing or damaged: restore it from a copy"
            ) from error
        raise UsageError(
            f"the corpus {dataset.parent} has no version or tag '{version}'; "
            "leave it out to open the newest state"
        ) from error


@contextmanager
def plainly(folder: Location, done: str) -> Iterator[None]:
    """Turn what Lance or the disk raises while something is ``done`` to a corpus into a sentence.

    ``done`` is a participle: "read", "written". A full disk and files that are no longer what was
    written are for the user to mend; the rest is ours.
    """
    try:
        yield
    except (OSError, ValueError, RuntimeError) as error:
        if told := _trouble_of_a_store(folder, error):
            raise UsageError(told) from error
        text = str(error)
        if "No space left" in text or "os error 28" in text:
            raise UsageError(
                f"the disk of {folder} is full; what was not committed yet could not be written, "
                "all that was committed is kept: make room and run the same command again"
            ) from error
        if isinstance(error, PermissionError) or "Permission denied" in text:
            raise UsageError(
                f"the corpus {folder} could not be {done}: permission denied; "
                "change its owner or its mode, or name another corpus"
            ) from error
        if done == "read":
            raise UsageError(
                f"the corpus {folder} could not be read ({said(error)}); "
                "a file of it is missing or damaged: restore it from a copy"
            ) from error
        raise LauterError(f"the corpus {folder} could not be {done}: {said(error)}") from error


def _trouble_of_a_store(place: Location, error: BaseException) -> str | None:
    return trouble(error, place) if isinstance(place, StorePath) else None
