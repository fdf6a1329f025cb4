"""The sentences that come with Lauter: written for it, free of rights (CC0).

220 a language, 22 of each kind, from three words to a breath's length. They lie beside this file,
a table a language: the kind, a tab, the text. Nothing in them is a trap for a recogniser: names
are common ones, and no telephone number can belong to anybody.
"""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from lauter.datasets.errors import UsageError
from lauter.datasets.prompts.table import TEXT_SCHEMA
from lauter.datasets.records import described
from lauter.datasets.tags import Language

SOURCE = "lauter-builtin"
LICENCE = "CC0-1.0"
LANGUAGES = (Language.ENGLISH, Language.CHINESE, Language.JAPANESE)
KINDS = (
    "statement",
    "question",
    "exclamation",
    "dialogue",
    "narrative",
    "instruction",
    "news",
    "number",
    "name",
    "poem",
)
BUILTIN_SCHEMA = TEXT_SCHEMA.append(described("kind", pa.string(), f"One of {', '.join(KINDS)}"))

_FOLDER = Path(__file__).parent / "builtin"


def builtin_texts(kinds: Sequence[str] = KINDS) -> pa.Table:
    """Return the built-in sentences of some ``kinds`` (``BUILTIN_SCHEMA``).

    Raises ``UsageError`` for an unknown kind.
    """
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise UsageError(
            f"the built-in texts have no kind '{unknown[0]}'; choose from {', '.join(KINDS)}"
        )
    rows = [row for language in LANGUAGES for row in _rows(language) if row["kind"] in kinds]
    return pa.Table.from_pylist(rows, schema=BUILTIN_SCHEMA)


def _rows(language: Language) -> list[dict[str, str | int]]:
    lines = (_FOLDER / f"{language.value}.tsv").read_text(encoding="utf-8").splitlines()
    return [
        {
            "text": text,
            "language": language.value,
            "text_source": SOURCE,
            "text_licence": LICENCE,
            "row": number,
            "kind": kind,
        }
        for number, line in enumerate(lines[1:], start=1)
        for kind, text in [line.split("\t")]
    ]
