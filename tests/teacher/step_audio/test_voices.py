"""Of a speaker book, a checkpoint speaks with the voices that have codes."""

import json
from pathlib import Path
from typing import Any

import pytest

from lauter.datasets.errors import UsageError
from lauter.teacher.step_audio.voices import read_voices, reference_of

CODES = [1, 2, 1027, 1028, 1029]
ADA: dict[str, Any] = {
    "speaker": "ada", "dialect": "en-GB", "licence": "CC-BY-4.0", "consent": "Ada Example, 2026",
    "text": "The train was late again.", "audio": "ada.flac",
}  # fmt: skip


def book(folder: Path, *entries: dict[str, Any]) -> Path:
    (folder / "ada.flac").write_bytes(b"fLaC")
    path = folder / "voices.jsonl"
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")
    return path


def test_only_voices_with_codes_can_be_cloned(tmp_path: Path) -> None:
    sam = ADA | {"speaker": "sam", "codes": CODES}
    known = read_voices(book(tmp_path, ADA, sam))
    assert list(known) == ["sam"]
    reference = reference_of(known["sam"], "plain")
    assert (reference.text, reference.codes.tolist()) == (ADA["text"], CODES)
    assert reference.name == "the voice 'sam'"


def test_a_book_without_any_codes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no voice of .* has codes; encode a recording"):
        read_voices(book(tmp_path, ADA))


def test_a_style_without_codes_is_refused(tmp_path: Path) -> None:
    known = read_voices(book(tmp_path, ADA | {"codes": CODES}, ADA | {"style": "rap"}))
    with pytest.raises(UsageError, match="has no codes of its recording in the style 'rap'"):
        reference_of(known["ada"], "rap")
