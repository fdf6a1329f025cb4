"""Texts from files: plain lines, JSONL, CSV, TSV, Parquet, or a saved Hugging Face dataset.

Columns ``dialect``, ``emotion`` and ``emotion_level`` say, where they are there and set, for which
manner a text was written: it is drawn for no other. ``text_source`` and ``text_licence`` are kept.

A file that cannot be read as what its name says is refused as a whole. A row whose text no voice
can say is returned like the others, for ``check.sift`` to refuse with its row number: the run
stops there, or goes on without it and reports it, as ``on_refusal`` says.
"""

import json
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from lauter.datasets.errors import UsageError
from lauter.datasets.prompts.table import TEXT_SCHEMA
from lauter.datasets.tags import MAX_LEVEL, Dialect, Emotion, Language

_ROW = "__row__"
_CODES = [language.value for language in Language]
_ORIGIN = ("text_source", "text_licence")
_WRITTEN_FOR = {
    "dialect": [dialect.value for dialect in Dialect],
    "emotion": [emotion.value for emotion in Emotion],
    "emotion_level": [str(level) for level in range(MAX_LEVEL + 1)],
}
_FORMS = {
    ".jsonl": "JSON, an object a line",
    ".ndjson": "JSON, an object a line",
    ".json": "JSON, an object a line",
    ".csv": "CSV with a header",
    ".tsv": "TSV with a header",
    ".parquet": "Parquet",
}


def file_texts(
    path: str,
    language: str = "",
    text_column: str = "text",
    language_column: str = "language",
    licence: str = "NOASSERTION",
) -> pa.Table:
    """Return the texts of a file or dataset folder (``TEXT_SCHEMA``), in its order.

    ``language`` holds where the file has no ``language_column``, or no value in it. Raises
    ``UsageError`` where the file cannot be read, lacks the text column or tells no language.
    """
    if not path:
        raise UsageError("prompts=file reads a file of texts; name it: prompts.path=texts.jsonl")
    if language not in ("", *_CODES):
        raise UsageError(f"prompts.language is '{language}'; set it to one of {', '.join(_CODES)}")
    file = Path(path)
    if not file.exists():
        raise UsageError(f"there is no file {file}; correct prompts.path")
    try:
        table = _read(file, (text_column, language_column, *_ORIGIN, *_WRITTEN_FOR))
        _check_columns(table, file, language, text_column, language_column)
        return _texts(table, file, language, text_column, language_column, licence)
    except (pa.ArrowException, UnicodeDecodeError, OSError, ValueError) as error:
        form = "a saved dataset" if file.is_dir() else _FORMS.get(file.suffix.lower(), "text")
        reason = str(error).split("\n", 1)[0].rstrip(".")
        raise UsageError(
            f"{file} cannot be read as {form}: {reason}; mend the file or name another"
        ) from error


def _texts(
    table: pa.Table,
    file: Path,
    language: str,
    text_column: str,
    language_column: str,
    licence: str,
) -> pa.Table:
    said = table[text_column].cast(pa.string()).fill_null("").to_pylist()
    # As requests have it, so that a text written in two ways is one text when quotas are filled.
    texts = pa.array([unicodedata.normalize("NFC", text) for text in said], pa.string())
    languages = _where_set(table, language_column, language)
    if _ROW in table.column_names:
        rows = table[_ROW]
    else:
        rows = pa.array(range(1, table.num_rows + 1), pa.int64())
    sources, licences = (
        _where_set(table, name, usual)
        for name, usual in (("text_source", file.name), ("text_licence", licence))
    )
    columns = [texts, languages, sources, licences, rows]
    result = pa.table(columns, schema=TEXT_SCHEMA)
    for name, known in _WRITTEN_FOR.items():
        if name in table.column_names:
            result = result.append_column(name, _written_for(table, file, name, known))
    result.validate(full=True)  # or letters that are no UTF-8 would show far from here
    return result


def _written_for(table: pa.Table, file: Path, name: str, known: Sequence[str]) -> pa.ChunkedArray:
    """Return a column that says for which manner texts were written; empty: for any."""
    values = pc.fill_null(table[name].cast(pa.string()), "")
    wrong = values.filter(pc.invert(pc.is_in(values, value_set=pa.array(["", *known]))))
    if len(wrong):
        raise UsageError(
            f"{file} has the {name} '{wrong[0]}', for which no prompt is; correct it to one of "
            f"{', '.join(known)}, leave it empty, or give the column another name"
        )
    return values


def _where_set(table: pa.Table, name: str, usual: str) -> pa.Array:
    """Return a column, with what is usual where it is not there or empty."""
    if name not in table.column_names:
        return pa.repeat(pa.scalar(usual, pa.string()), table.num_rows)
    values = table[name].cast(pa.string()).fill_null("")
    return pc.if_else(pc.equal(values, ""), usual, values)


def _check_columns(
    table: pa.Table, file: Path, language: str, text_column: str, language_column: str
) -> None:
    if text_column not in table.column_names:
        there = ", ".join(name for name in table.column_names if name != _ROW)
        raise UsageError(
            f"{file} has no column '{text_column}'; it has {there}: set prompts.text_column"
        )
    if not language and language_column not in table.column_names:
        raise UsageError(
            f"{file} does not say its language; set prompts.language to one of {', '.join(_CODES)}"
        )


def _read(file: Path, columns: tuple[str, ...]) -> pa.Table:
    if file.is_dir():
        return _read_folder(file)
    match file.suffix.lower():
        case ".jsonl" | ".json" | ".ndjson":
            return _read_json_lines(file, columns)
        case ".csv":
            return _read_separated(file, ",")
        case ".tsv":
            return _read_separated(file, "\t")
        case ".parquet":
            return pa.parquet.read_table(file)
        case _:
            return _read_lines(file)


def _read_lines(file: Path) -> pa.Table:
    """Read a text a line; blank lines part the others and are no texts."""
    # Not splitlines: it would also split at control characters, which the checks shall see.
    lines = enumerate(file.read_text(encoding="utf-8-sig").split("\n"), start=1)
    kept = [(number, line.rstrip("\r")) for number, line in lines if line.strip()]
    return pa.table(
        {
            "text": pa.array([line for _, line in kept], pa.string()),
            _ROW: pa.array([number for number, _ in kept], pa.int64()),
        }
    )


def _read_json_lines(file: Path, columns: tuple[str, ...]) -> pa.Table:
    """Read the values of ``columns``; of the others only the names."""
    # Not Arrow's reader, which counts rows from the start of a block: the user needs the line.
    rows: list[dict[str, str | int | None]] = []
    names: dict[str, None] = {}
    with file.open(encoding="utf-8-sig", newline="\n") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise ValueError(f"line {number}: {error.msg}") from error
            if not isinstance(row, dict):
                raise ValueError(f"line {number} is no object, as {{...}} is")
            for name in columns:
                if not isinstance(row.get(name), str | int | None):
                    raise ValueError(f"line {number}: '{name}' is no text")
            names |= dict.fromkeys(row)
            rows.append({name: row.get(name) for name in columns} | {_ROW: number})
    if not rows:
        raise ValueError("it is empty")
    table = {
        name: _column(rows, name) if name in columns else pa.nulls(len(rows)) for name in names
    }
    return pa.table(table | {_ROW: pa.array([row[_ROW] for row in rows], pa.int64())})


def _column(rows: list[dict[str, str | int | None]], name: str) -> pa.Array:
    values = (row[name] for row in rows)
    return pa.array([value if value is None else str(value) for value in values], pa.string())


def _read_separated(file: Path, delimiter: str) -> pa.Table:
    """Read all columns as text: a sentence like 1984 is one too, and NA may be a word."""
    # Quotation marks of TSV are often just that: one too many must not swallow the next lines.
    parse = pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=delimiter == ",")
    with pa.csv.open_csv(file, parse_options=parse) as reader:
        names = reader.schema.names
    convert = pa.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
    )
    return pa.csv.read_csv(file, parse_options=parse, convert_options=convert)


def _read_folder(folder: Path) -> pa.Table:
    """Read what ``save_to_disk`` or ``to_parquet`` of Hugging Face's datasets left.

    A saved dataset names its own files; others may lie beside them from an earlier save. The
    splits of a dictionary of datasets follow each other by name.
    """
    tables: list[pa.Table] = []
    for state in sorted(folder.rglob("state.json")):
        for entry in json.loads(state.read_text(encoding="utf-8"))["_data_files"]:
            with pa.ipc.open_stream(str(state.parent / entry["filename"])) as stream:
                tables.append(stream.read_all())
    if not tables:
        tables = [pa.parquet.read_table(file) for file in sorted(folder.rglob("*.parquet"))]
    if not tables:
        raise UsageError(
            f"the folder {folder} holds no Parquet or Arrow dataset; name a file in it"
        )
    return pa.concat_tables(tables, promote_options="permissive")
