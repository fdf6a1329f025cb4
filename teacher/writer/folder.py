"""The folder of a run: texts as they come, dead letters, a report, and what was asked.

Texts are appended one by one, each a line that is written whole. A run that was stopped is gone on
with by running it again: the same asks are in the cache, the same texts come, and those that stand
in the file already are not written twice. A folder of another run is not mixed with: it is refused.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from lauter.datasets.errors import UsageError
from lauter.datasets.location import write_whole

TEXTS: Final = "texts.jsonl"
DEAD_LETTERS: Final = "dead-letters.jsonl"
REPORT: Final = "report.json"
ASKED: Final = "asked.json"
ANSWERS: Final = "answers.sqlite"


class RunFolder:
    """A folder of written texts, open for writing; ``asked`` says what decides its texts."""

    def __init__(self, path: Path, asked: Mapping[str, Any]) -> None:
        """Make the folder or go on in it; raises ``UsageError`` where it is another's."""
        self.path = path
        _check(path, asked)
        path.mkdir(parents=True, exist_ok=True)
        write_whole(path / ASKED, _pretty(asked))
        self._there = _mended(path / TEXTS)
        self._texts = (path / TEXTS).open("a", encoding="utf-8")

    def keep(self, row: Mapping[str, Any]) -> None:
        """Append a text, unless it stands there already."""
        if row["text_id"] in self._there:
            return
        self._there.add(row["text_id"])
        self._texts.write(json.dumps(row, ensure_ascii=False) + "\n")
        self._texts.flush()

    def finish(self, dead_letters: Iterable[Mapping[str, Any]], report: Mapping[str, Any]) -> None:
        """Write what could not be mended, and the report."""
        lines = [json.dumps(letter, ensure_ascii=False) + "\n" for letter in dead_letters]
        write_whole(self.path / DEAD_LETTERS, "".join(lines))
        write_whole(self.path / REPORT, _pretty(report))

    def __enter__(self) -> "RunFolder":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._texts.close()


def _check(path: Path, asked: Mapping[str, Any]) -> None:
    if path.is_file():
        raise UsageError(f"{path} is a file; set write.folder to a folder")
    if not path.exists() or not any(path.iterdir()):
        return
    there, texts = path / ASKED, path / TEXTS
    if not there.exists():
        raise UsageError(f"{path} has other content; set write.folder to a new folder")
    if not texts.exists() or not texts.stat().st_size:
        return
    before = _object(there, 1, there.read_bytes())
    now = json.loads(_pretty(asked))
    if changed := sorted(name for name in {*before, *now} if before.get(name) != now.get(name)):
        raise UsageError(
            f"{path} holds texts that were asked for otherwise ({', '.join(changed)}); set "
            f"write.folder to a new folder, and write.known=[{texts}] so that none of them "
            "comes again"
        )


def _mended(file: Path) -> set[str]:
    """Return the ids of the texts in a file, after a last line that is not whole was cut off."""
    if not file.exists():
        return set()
    *lines, rest = file.read_bytes().split(b"\n")
    if rest:
        with file.open("r+b") as opened:
            opened.truncate(sum(len(line) + 1 for line in lines))
    ids = set()
    for number, line in enumerate(lines, start=1):
        text_id = _object(file, number, line).get("text_id")
        if not isinstance(text_id, str):
            raise _edited(file, number, "it has no text_id")
        ids.add(text_id)
    return ids


def _object(file: Path, number: int, content: bytes) -> dict[str, Any]:
    """Return what we wrote as JSON from line ``number`` on; raises ``UsageError`` for other."""
    try:
        found = json.loads(content)
    except ValueError as error:
        within = error.lineno - 1 if isinstance(error, json.JSONDecodeError) else 0
        raise _edited(file, number + within, "it is no JSON") from error
    if not isinstance(found, dict):
        raise _edited(file, number, "it is no object, as {...} is")
    return found


def _edited(file: Path, number: int, wrong: str) -> UsageError:
    return UsageError(
        f"{file} was edited in line {number}: {wrong}; put it back as it was, or set write.folder "
        "to a new folder"
    )


def _pretty(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"
