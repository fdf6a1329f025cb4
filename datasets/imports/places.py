"""Where the files of a manifest lie: beside it, or where the manifest was written."""

from pathlib import Path

from lauter.datasets.errors import UsageError


def existing(path: str, kind: str) -> Path:
    """Return ``path``, which must be there; ``kind`` says in the sentence what it should be."""
    if not path:
        raise UsageError(f"nothing says which {kind} to import; set source.path=…")
    found = Path(path).expanduser()
    if not found.exists():
        raise UsageError(f"there is no {kind} at '{path}'; correct source.path")
    return found


def beside(folder: Path, name: str) -> str:
    """Return the path that a manifest in ``folder`` means by ``name``.

    A relative name is meant from the manifest's folder or, as some tools write it, from the
    current one; what is in neither is looked for, and missed, in the manifest's.
    """
    path = Path(name)
    if not path.is_absolute() and ((folder / path).exists() or not path.exists()):
        path = folder / path
    return str(path)
