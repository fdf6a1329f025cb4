"""Open-domain English: the example sentences of WordNet, some twenty thousand of them.

WordNet explains its words with examples of use (G. A. Miller, 1995). They are short, about
everything, and free to use and pass on with their notice. The database is not shipped: Debian has
it as ``wordnet-base``, which puts it where ``path`` looks first.
"""

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from lauter.datasets.errors import UsageError
from lauter.datasets.prompts.table import TEXT_SCHEMA
from lauter.datasets.tags import Language

SOURCE = "wordnet-3.0-examples"
LICENCE = "LicenseRef-WordNet-3.0"

_FILES = ("data.adj", "data.adv", "data.noun", "data.verb")
_LEAST_WORDS = 5
_MOST_CHARACTERS = 110
_QUOTED = re.compile(r'"([^"]+)"')
_SPOKEN = re.compile(r"[A-Za-z][A-Za-z ,';.!?-]+")


def wordnet_texts(path: str = "/usr/share/wordnet", count: int = 12_000, seed: int = 0) -> pa.Table:
    """Return ``count`` example sentences, drawn by ``seed`` (``TEXT_SCHEMA``).

    Kept are those of five words or more, of letters and common marks, at most 110 characters. A
    greater count only adds to them. Raises ``UsageError`` where ``path`` holds no WordNet, or has
    fewer sentences than were asked for.
    """
    sentences = sorted(set(_sentences(Path(path))))
    if not 1 <= count <= len(sentences):
        raise UsageError(
            f"prompts.count is {count}, and WordNet has {len(sentences)} sentences to say; set 1 "
            f"to {len(sentences)}"
        )
    random.Random(seed).shuffle(sentences)
    return pa.Table.from_pylist(
        [
            {
                "text": text,
                "language": Language.ENGLISH.value,
                "text_source": SOURCE,
                "text_licence": LICENCE,
                "row": row,
            }
            for row, text in enumerate(sentences[:count], start=1)
        ],
        schema=TEXT_SCHEMA,
    )


def _sentences(folder: Path) -> Iterator[str]:
    for name in _FILES:
        try:
            lines = (folder / name).read_text(encoding="latin-1").splitlines()
        except OSError as error:
            raise UsageError(
                f"{folder / name} cannot be read ({error.strerror}); install WordNet (in Debian: "
                "apt install wordnet-base) or set prompts.path to its folder"
            ) from error
        for line in lines:
            for example in _QUOTED.findall(line.partition("|")[2]):
                if _is_spoken(example):
                    said = example[0].upper() + example[1:].rstrip(" ,;")
                    yield said + ("" if said[-1] in ".!?" else ".")


def _is_spoken(example: str) -> bool:
    return (
        len(example) <= _MOST_CHARACTERS
        and len(example.split()) >= _LEAST_WORDS
        and _SPOKEN.fullmatch(example) is not None
    )
