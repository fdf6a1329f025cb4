"""Where corpora, exports and reports lie: on a disk or in a store.

On a disk it is a ``pathlib.Path``, and what happens to it is what pathlib does: nothing lies in
between that could cost time. In a store it is a ``StorePath``, which answers to the same names, so
that hardly any code asks which of the two it has. A URL must never go through ``Path``, which
makes ``s3:/bucket`` of ``s3://bucket``; one that did is refused.
"""

import re
from pathlib import Path
from typing import Final, TypeAlias

from lauter.datasets.errors import UsageError
from lauter.datasets.store_path import StorePath, s3_endpoint

Location: TypeAlias = Path | StorePath

LANCE_STORES: Final = ("s3", "gs", "az")
"""The stores that Lance and fsspec know under one name."""

_URL = re.compile(r"([a-z][a-z0-9+.:-]+):/(/?)", re.IGNORECASE)


def location_of(name: str | Location) -> Location:
    """Return what a path or a URL names.

    Raises ``UsageError`` for a URL whose store is not known to fsspec, and for one that lost a
    slash.
    """
    if isinstance(name, StorePath):
        return name
    url = _URL.match(str(name))
    if url is None:
        return Path(name)
    import fsspec

    scheme, slash = url.groups()
    known = scheme in fsspec.available_protocols()
    if not slash:
        if not known:
            return Path(name)
        raise UsageError(
            f"{name} has one slash after '{scheme}:'; write {scheme}:// and give it as text, as "
            "pathlib.Path drops a slash"
        )
    if not known:
        raise UsageError(
            f"{name} is in no store that is known; write s3://, gs://, az://, another URL of "
            "fsspec's, or a path"
        )
    if scheme in ("file", "local"):
        return Path(str(name)[url.end() :])
    return StorePath(str(name).rstrip("/"))


def is_url(name: str) -> bool:
    """Whether a text names a location in a store."""
    return isinstance(location_of(name), StorePath)


def lance_options(location: Location) -> dict[str, str] | None:
    """Return the storage options with which Lance opens a location; None on a disk.

    Keys and regions it finds where every tool of the store's maker does. Raises ``UsageError``
    for a store that Lance does not know.
    """
    if isinstance(location, Path):
        return None
    if location.scheme not in LANCE_STORES:
        raise UsageError(
            f"Lance keeps no data at {location}; name a folder or a place in "
            f"{', '.join(f'{scheme}://' for scheme in LANCE_STORES)}"
        )
    endpoint = s3_endpoint() if location.scheme == "s3" else None
    if endpoint is None:
        return {}
    return {"aws_endpoint": endpoint, "allow_http": str(endpoint.startswith("http://")).lower()}


def write_whole(file: Location, text: str) -> None:
    """Write a small file, and its folder; what was there stays until the new one is whole."""
    if isinstance(file, StorePath):
        file.write_text(text)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f"{file.name}.new")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
