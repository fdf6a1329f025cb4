"""Complaints about unknown words, with the word that was probably meant."""

import difflib
from collections.abc import Collection

from lauter.datasets.errors import UsageError


def check_known(word: object, known: Collection[str], complaint: str) -> None:
    """Raise ``UsageError`` with ``complaint`` and a suggestion where ``word`` is not ``known``."""
    if word not in known:
        near = difflib.get_close_matches(str(word), known, 1)
        choice = f"choose from {', '.join(known)}" if known else "there is none to choose from"
        hint = f"did you mean {near[0]}?" if near else choice
        raise UsageError(f"{complaint}; {hint}")
