"""Lines of JSON, plain or gzipped, read one at a time; a bad line is a value, not an end."""

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from lauter.datasets.errors import UsageError


def json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Yield the number of each line that is not empty, and its object or what is wrong with it.

    Raises ``UsageError`` where the file is missing, not text, or cut off (gzip).
    """
    number = 0
    try:
        with _open_text(path) as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, _object(line)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UsageError(
            f"{path} is damaged after line {number} ({error}); "
            "what stands before is imported, take the file from its source again"
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} is no text in UTF-8 after line {number}; it should be JSON lines"
        ) from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def _open_text(path: Path) -> TextIO:
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    if zipped:
        return gzip.open(path, "rt", encoding="utf-8-sig")
    return path.open(encoding="utf-8-sig")


def _object(line: str) -> dict[str, Any] | str:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"the line is no JSON ({error})"
    if not isinstance(value, dict):
        return f"the line is JSON and no object, but {type(value).__name__}"
    return value
