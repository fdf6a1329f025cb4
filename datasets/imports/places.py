"""Where the files of a manifest lie: beside it, or where the manifest was written."""

from pathlib import Path

from lauter.datasets.errors import UsageError


def existing(path: str, kind: str) -> Path:
    """Return ``path``, which must be there; ``kind`` says in the sentence what it should be."""
    if not path:
        raise UsageError(f"nothing says which {kind} to import; set source.path=…")
    found = Path(path).expanduser()
    if not _is_there(found):
        raise UsageError(f"there is no {kind} at '{path}'; correct source.path")
    return found


def beside(folder: Path, name: str) -> str:
    """Return the path that a manifest in ``folder`` means by ``name``.

    A relative name is meant from the manifest's folder or, as some tools write it, from the
    current one; what is in neither is looked for, and missed, in the manifest's.
    """
    path = Path(name)
    if not path.is_absolute() and (_is_there(folder / path) or not _is_there(path)):
        path = folder / path
    return str(path)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that is too long, or holds a zero
        return False
