"""The code that stands in the documents, so that tests can run it as a reader would."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def code_blocks(document: str, language: str = "") -> list[str]:
    """Return the fenced blocks of a language; of none: those that name none."""
    text = (ROOT / document).read_text(encoding="utf-8")
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [block for name, block in blocks if name == language]


def linked_files(document: str) -> list[str]:
    """Return the files and pictures that a document links to."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
