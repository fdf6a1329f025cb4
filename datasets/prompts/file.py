"""Texts from files: plain lines, JSONL, CSV, TSV, Parquet, or a saved Hugging Face dataset."""

from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

from lauter.datasets.errors import UsageError
from lauter.datasets.prompts.builtin_set import TEXT_SCHEMA
from lauter.datasets.tags import Language


def file_texts(
    path: str,
    language: str = "",
    text_column: str = "text",
    language_column: str = "language",
    licence: str = "NOASSERTION",
) -> pa.Table:
    """Return the texts of a file or dataset folder (``TEXT_SCHEMA``).

    ``language`` holds where the file has no ``language_column``. Raises ``UsageError`` where the
    file cannot be read or lacks the text column.
    """
    if not path:
        raise UsageError("prompts=file reads a file of texts; name it: prompts.path=texts.jsonl")
    file = Path(path)
    if not file.exists():
        raise UsageError(f"there is no file {file}; correct prompts.path")
    try:
        table = _read(file)
    except (pa.ArrowInvalid, UnicodeDecodeError, OSError) as error:
        reason = str(error).split("\n", 1)[0]
        raise UsageError(f"{file} cannot be read as {file.suffix or 'text'}: {reason}") from error
    if text_column not in table.column_names:
        raise UsageError(
            f"{file} has no column '{text_column}'; it has {', '.join(table.column_names)}: "
            "set prompts.text_column"
        )
    texts = table[text_column].cast(pa.string()).fill_null("")
    if language_column in table.column_names:
        languages = table[language_column].cast(pa.string()).fill_null(language)
    elif language in {known.value for known in Language}:
        languages = pa.repeat(language, len(texts))
    else:
        raise UsageError(
            f"{file} does not say its language; set prompts.language to one of "
            f"{', '.join(known.value for known in Language)}"
        )
    count = len(texts)
    source, rights = pa.repeat(file.name, count), pa.repeat(licence, count)
    return pa.table([texts, languages, source, rights], schema=TEXT_SCHEMA)


def _read(file: Path) -> pa.Table:
    if file.is_dir():
        return _read_folder(file)
    match file.suffix.lower():
        case ".jsonl" | ".json" | ".ndjson":
            return pa.json.read_json(file)
        case ".csv":
            return pa.csv.read_csv(file)
        case ".tsv":
            return pa.csv.read_csv(file, parse_options=pa.csv.ParseOptions(delimiter="\t"))
        case ".parquet":
            return pa.parquet.read_table(file)
        case _:
            lines = file.read_text(encoding="utf-8").splitlines()
            return pa.table({"text": [line for line in lines if line.strip()]})


def _read_folder(folder: Path) -> pa.Table:
    """Read what ``save_to_disk`` or ``to_parquet`` of Hugging Face's datasets left."""
    if parquet := sorted(folder.rglob("*.parquet")):
        return pa.concat_tables([pa.parquet.read_table(file) for file in parquet])
    if streams := sorted(folder.rglob("data-*.arrow")):
        return pa.concat_tables([pa.ipc.open_stream(str(file)).read_all() for file in streams])
    raise UsageError(f"the folder {folder} holds no Parquet or Arrow dataset; name a file in it")
