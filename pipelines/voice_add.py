"""A new voice for a speaker book: a recording is looked at, and its best stretch is taken in.

Whatever is wrong is said before anything is written, and of the entry before anything is listened
to. The book is written anew beside its place and read once before it takes it, so that it is never
left with an entry that cannot be read.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lauter.datasets.audio import encode_flac
from lauter.datasets.errors import UsageError
from lauter.datasets.voice_book import check_told, read_book
from lauter.pipelines.reference_listener import Chosen, ReferenceListener, read_recording


def add_voice(
    book: Path,
    entry: Mapping[str, Any],
    recording: Path,
    text: str | None,
    listener: ReferenceListener,
) -> tuple[Path, Chosen]:
    """Write the best stretch of ``recording`` and its entry; return where, and what was chosen.

    ``entry`` is what the book says of the voice, without text and audio. Raises ``UsageError`` for
    a recording that shows no voice, for an entry that cannot stand, and for a book in YAML, whose
    comments would be lost.
    """
    if book.suffix != ".jsonl":
        raise UsageError(f"{book} is no book that grows by itself; name one that ends in .jsonl")
    known = read_book(book) if book.exists() and book.stat().st_size else {}
    check_told(entry, known)
    before = book.read_text(encoding="utf-8") if known else ""
    if before and not before.endswith("\n"):
        before += "\n"
    sound = _free(book.parent, entry["speaker"])
    if faults := listener.heard(recording).faults:
        raise UsageError("\n".join(faults))
    samples, rate, _ = read_recording(recording)
    chosen = listener.choose(samples, rate, text, entry["dialect"])
    line = json.dumps({**entry, "text": chosen.text, "audio": sound.name}, ensure_ascii=False)
    book.parent.mkdir(parents=True, exist_ok=True)
    unfinished = book.with_name(f".new-{book.name}")
    stretch = chosen.stretch
    piece = samples[round(stretch.start_s * rate) : round(stretch.end_s * rate)]
    sound.write_bytes(encode_flac(piece, rate))
    try:
        unfinished.write_text(before + line + "\n", encoding="utf-8")
        read_book(unfinished)
    except UsageError as error:
        sound.unlink()
        unfinished.unlink(missing_ok=True)
        raise UsageError(str(error).replace(str(unfinished), str(book))) from error
    unfinished.replace(book)
    return sound, chosen


def _free(folder: Path, speaker: str) -> Path:
    """Return a name for the sound of a speaker that no file has."""
    if not speaker.replace("-", "").replace("_", "").isalnum():
        raise UsageError(f"'{speaker}' cannot name a file; call the voice by letters and digits")
    number = 1
    while (place := folder / f"{speaker}-{number}.flac").exists():
        number += 1
    return place
