"""Answers that were paid for, kept by what was asked: the same ask is never paid twice.

One SQLite file. An answer is committed, and on the disk, before anything is made of it, so a run
that is killed afterwards finds it again; only what a server was still working on is lost with a
kill. The key is the digest of all that decides the answer (model, messages, sampling and the form
asked for) and not of the address: a model that moves to another server is not paid again.
"""

import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lauter.datasets.errors import UsageError
from lauter.datasets.identity import content_id

_DOMAIN = "lauter.writer.ask.v1"
_APPLICATION = 0x4C415754  # "LAWT", by which the file is known as ours


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as its server gave it, and what it says it cost, in tokens."""

    content: str
    finish_reason: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


def ask_key(body: Mapping[str, Any]) -> str:
    """Return the digest of what is asked."""
    return content_id(_DOMAIN, body)


class AnswerCache:
    """A file of answers; may be used from several threads, and by several processes."""

    def __init__(self, path: Path) -> None:
        """Open or make it; raises ``UsageError`` where the file is something else."""
        self._gate = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(path, timeout=30.0, check_same_thread=False)
            self._prepare(path)
        except (sqlite3.Error, OSError) as error:
            raise UsageError(
                f"{path} cannot be used as a file of answers ({error}); name another write.cache"
            ) from error

    def _prepare(self, path: Path) -> None:
        (mark,) = self._file.execute("PRAGMA application_id").fetchone()
        (tables,) = self._file.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if mark != _APPLICATION and tables:
            raise UsageError(f"{path} is a database of another program; name another write.cache")
        with self._file:
            self._file.execute(f"PRAGMA application_id = {_APPLICATION}")
            self._file.execute("PRAGMA synchronous = FULL")
            self._file.execute(
                "CREATE TABLE IF NOT EXISTS answers (ask TEXT PRIMARY KEY, content TEXT NOT NULL, "
                "finish_reason TEXT NOT NULL, prompt_tokens INTEGER, completion_tokens INTEGER)"
            )

    def get(self, key: str) -> Kept | None:
        """Return what was answered, None where nobody has."""
        with self._gate:
            row = self._file.execute(
                "SELECT content, finish_reason, prompt_tokens, completion_tokens FROM answers "
                "WHERE ask = ?",
                (key,),
            ).fetchone()
        return Kept(*row) if row else None

    def put(self, key: str, kept: Kept) -> None:
        """Keep an answer; the first for a key stays."""
        with self._gate, self._file:
            self._file.execute(
                "INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?)",
                (
                    key,
                    kept.content,
                    kept.finish_reason,
                    kept.prompt_tokens,
                    kept.completion_tokens,
                ),
            )

    def close(self) -> None:
        """Let go of the file."""
        with self._gate:
            self._file.close()
